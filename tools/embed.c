/* Turns a file into a C source that defines its bytes as a text: embed NAME INPUT OUTPUT. */
#include <stdio.h>

static int embed(const char *name, FILE *in, FILE *out)
{
	int c, column = 0;

	fprintf(out, "extern const char %s[];\nconst char %s[] = {\n", name, name);
	while ((c = fgetc(in)) != EOF) {
		/* A plain char may be signed: bytes above 127 are written as what they are then. */
		fprintf(out, "%d,%s", c < 128 ? c : c - 256, ++column % 24 == 0 ? "\n" : "");
	}
	fprintf(out, "0};\n");
	return ferror(in) || ferror(out);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: embed NAME INPUT OUTPUT\n", stderr);
		return 2;
	}
	FILE *in = fopen(argv[2], "rb");
	FILE *out = in != NULL ? fopen(argv[3], "wb") : NULL;
	int failed = in == NULL || out == NULL || embed(argv[1], in, out);

	if (in != NULL)
		failed |= fclose(in) != 0;
	if (out != NULL)
		failed |= fclose(out) != 0;
	if (failed)
		perror("embed");
	return failed;
}
