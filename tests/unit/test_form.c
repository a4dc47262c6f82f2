/* Forms: what Django would find in request.POST, byte by byte, and what is no form at all. The
 * urlencoded expectations are what Python's parse_qsl and Django's limit give for the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "http/form.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=b"
/* A literal with its length, so that it may contain NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1

static void show(struct str *told, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] >= ' ' && bytes[i] <= '~')
			str_add_char(told, bytes[i]);
		else
			str_printf(told, "\\x%02x", (unsigned char)bytes[i]);
	}
}

/* "<name>=<value>" for each field, bytes beyond ASCII escaped; or the result in words. The body is
 * decoded from a block of exactly its size, so that the sanitizer sees a read beyond it. */
static char *told(const char *content_type, const char *body, size_t n)
{
	struct str told = {0};
	struct form form = {0};
	char *exact = malloc(n > 0 ? n : 1);

	if (n > 0)
		memcpy(exact, body, n);
	switch (form_decode(content_type, exact, n, &form)) {
	case FORM_OK:
		for (size_t i = 0; i < form.n; i++) {
			const struct form_field *field = &form.fields[i];
			assert_int_equal(field->name[field->name_length], '\0');
			assert_int_equal(field->value[field->value_length], '\0');
			str_add_char(&told, '<');
			show(&told, field->name, field->name_length);
			str_add(&told, ">=<");
			show(&told, field->value, field->value_length);
			str_add(&told, ">");
		}
		break;
	case FORM_NOT_A_FORM: str_add(&told, "not a form"); break;
	case FORM_MALFORMED: str_add(&told, "malformed"); break;
	}
	free(exact);
	form_fini(&form);
	return str_take(&told);
}

struct sample {
	const char *content_type;
	const char *body;
	size_t n;
	const char *told;
};

static void assert_samples(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *got = told(samples[i].content_type, samples[i].body, samples[i].n);
		if (strcmp(got, samples[i].told) != 0)
			fail_msg("%s\n%s\ngives %s\nbut should give %s", samples[i].content_type, samples[i].body, got,
			         samples[i].told);
		free(got);
	}
}

static void urlencoded_as_django_reads_it(void **state)
{
	static const struct sample samples[] = {
		{URLENCODED, BYTES("account=1&amount=100"), "<account>=<1><amount>=<100>"},
		{URLENCODED, BYTES(""), ""},
		{URLENCODED, BYTES("&&"), ""},
		{URLENCODED, BYTES("a"), "<a>=<>"},
		{URLENCODED, BYTES("="), "<>=<>"},
		{URLENCODED, BYTES("=x&a="), "<>=<x><a>=<>"},
		{URLENCODED, BYTES("a==b"), "<a>=<=b>"},
		{URLENCODED, BYTES("a=1;b=2"), "<a>=<1;b=2>"},
		{URLENCODED, BYTES("a=+1+2"), "<a>=< 1 2>"},
		{URLENCODED, BYTES("%61%6D%6f+unt=%31%2B%3d%26"), "<amo unt>=<1+=&>"},
		{URLENCODED, BYTES("a=%zz&b=%&c=%4&d=%4g&e=%%41&f=%+1&g=%-1"),
		 "<a>=<%zz><b>=<%><c>=<%4><d>=<%4g><e>=<%A><f>=<% 1><g>=<%-1>"},
		{URLENCODED, BYTES("a=%00&b=\0x&c=%FF%C3%28"),
		 "<a>=<\\x00><b>=<\\x00x><c>=<\\xff\\xc3(>"},
		{URLENCODED, BYTES("a=1\r\n"), "<a>=<1\\x0d\\x0a>"},
		{URLENCODED, BYTES("a=%"), "<a>=<%>"},
		{URLENCODED, BYTES("a=%4"), "<a>=<%4>"},
	};

	(void)state;
	assert_samples(samples, COUNT_OF(samples));
}

static void the_content_type_decides(void **state)
{
	static const struct sample samples[] = {
		{"Application/X-WWW-Form-URLEncoded", BYTES("a=1"), "<a>=<1>"},
		{" application/x-www-form-urlencoded ; charset=utf-8", BYTES("a=1"), "<a>=<1>"},
		{"application/x-www-form-urlencoded;charset=\"x", BYTES("a=1"), "<a>=<1>"},
		{"application/x-www-form-urlencodedx", BYTES("a=1"), "not a form"},
		{"application/json", BYTES("{\"account\":1}"), "not a form"},
		{"", BYTES("a=1"), "not a form"},
		{";", BYTES("a=1"), "not a form"},
		{NULL, BYTES("a=1"), "not a form"},
		{"multipart/mixed; boundary=b", BYTES("--b--"), "not a form"},
		{"MULTIPART/Form-Data; BOUNDARY=b", BYTES("--b--"), ""},
	};

	(void)state;
	assert_samples(samples, COUNT_OF(samples));
}

#define PART(name, value) "Content-Disposition: form-data; name=" name "\r\n\r\n" value "\r\n"

static void multipart_as_django_reads_it(void **state)
{
	static const struct sample samples[] = {
		{MULTIPART, BYTES("--b\r\n" PART("account", "1") "--b\r\n" PART("\"amount\"", "100") "--b--\r\n"),
		 "<account>=<1><amount>=<100>"},
		{MULTIPART, BYTES("--b--"), ""},
		{MULTIPART, BYTES("--b--\r\nepilogue\r\n--b\r\n"), ""},
		{MULTIPART, BYTES("preamble --b\r\n--b \t\r\n" PART("a", "1") "--b-- \t\r\nepilogue"), "<a>=<1>"},
		{MULTIPART, BYTES("\r\n--b\r\n" PART("a", "") "--b--"), "<a>=<>"},
		{MULTIPART, BYTES("--b\n" PART("a", "1") "--b--"), ""},
		/* what only begins like a delimiter is part of the value */
		{MULTIPART, BYTES("--b\r\n" PART("a", "x\r\n--bc\r\n--b-\r\n--b--x\r\n --b\r\n--\r\ny") "--b--"),
		 "<a>=<x\\x0d\\x0a--bc\\x0d\\x0a--b-\\x0d\\x0a--b--x\\x0d\\x0a --b\\x0d\\x0a--\\x0d\\x0ay>"},
		{MULTIPART, BYTES("--b\r\n" PART("a", "\r\n\0\xFF\r\n") "--b--"),
		 "<a>=<\\x0d\\x0a\\x00\\xff\\x0d\\x0a>"},
		/* names */
		{MULTIPART, BYTES("--b\r\n" PART("\"a\\\"\\\\b\\c;d\"", "1") "--b--"), "<a\"\\b\\c;d>=<1>"},
		{MULTIPART, BYTES("--b\r\n" PART("\" a \" ; x=y", "1") "--b--"), "<a>=<1>"},
		{MULTIPART, BYTES("--b\r\n" PART("\"\"", "1") "--b--"), "<>=<1>"},
		{MULTIPART, BYTES("--b\r\nCONTENT-disposition:form-data;NAME=a\r\nX: y\r\n\r\n1\r\n--b--"),
		 "<a>=<1>"},
		{MULTIPART, BYTES("--b\r\nContent-Disposition: form-data;\r\n\tname=a\r\n\r\n1\r\n--b--"),
		 "<a>=<1>"},
		/* files, and parts without a name */
		{MULTIPART, BYTES("--b\r\n" PART("a; filename=\"f\"", "1") "--b\r\n" PART("b", "2") "--b--"),
		 "<b>=<2>"},
		{MULTIPART, BYTES("--b\r\n" PART("a; filename*=UTF-8''f", "1") "--b--"), ""},
		{MULTIPART, BYTES("--b\r\n" PART("a; filename=\"\"", "1") "--b--"), "<a>=<1>"},
		{MULTIPART, BYTES("--b\r\n\r\nno header\r\n--b\r\nX: y\r\n\r\nno name\r\n--b--"), ""},
	};

	(void)state;
	assert_samples(samples, COUNT_OF(samples));
}

static void multipart_that_is_not_whole(void **state)
{
	static const struct sample samples[] = {
		{MULTIPART, BYTES(""), "malformed"},
		{MULTIPART, BYTES("a=1"), "malformed"},
		{MULTIPART, BYTES("--b\r\n" PART("a", "1")), "malformed"},
		{MULTIPART, BYTES("--b\r\n" PART("a", "1") "--b"), "malformed"},
		{MULTIPART, BYTES("--b\r\n" PART("a", "1") "--b-"), "malformed"},
		{MULTIPART, BYTES("--b\r\n" PART("a", "1") "--b\r\n"), "malformed"},
		{MULTIPART, BYTES("--b\r\n--b--"), "malformed"},
		{MULTIPART, BYTES("--b\r\nno colon\r\n\r\n1\r\n--b--"), "malformed"},
		{MULTIPART, BYTES("--b\r\nContent-Disposition: form-data; name=a\r\n--b--"), "malformed"},
		{MULTIPART, BYTES("--b\r\n" PART("\"a", "1") "--b--"), "malformed"},
		{MULTIPART, BYTES("--b\r\n" PART("\"a\"b", "1") "--b--"), "malformed"},
		{MULTIPART, BYTES("--b\r\nContent-Disposition: x; name=a\r\n" PART("b", "1") "--b--"), "malformed"},
	};

	(void)state;
	assert_samples(samples, COUNT_OF(samples));
}

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

static void every_legal_boundary(void **state)
{
	static const struct {
		const char *parameter, *boundary;
	} bad[] = {
		{"", ""}, {"\"\"", ""}, {SEVENTY "x", SEVENTY "x"}, {"\"a \"", "a "}, {"a\\b", "a\\b"},
		{"\"a\tb\"", "a\tb"}, {"a\xC3", "a\xC3"}, {"\"a", "a"}, {"\"a\"b", "a"}, {"<", "<"},
		{"a; boundary=b", "a"}, {"b; boundary=a", "a"}, {"a; boundary=a", "a"}, {"a; x=\"", "a"},
	}, good[] = {
		{"x", "x"}, {"\"x\"", "x"}, {"'", "'"}, {SEVENTY, SEVENTY}, {"-", "-"}, {"--", "--"},
		{"\"'()+_,-./:=? z\"", "'()+_,-./:=? z"}, {"0; charset=utf-8", "0"}, {" \"q\" ; x=\"y;z\"", "q"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct str type = {0}, body = {0};
		str_printf(&type, "multipart/form-data; boundary=%s", good[i].parameter);
		str_printf(&body, "--%s\r\n" PART("a", "1") "--%s--", good[i].boundary, good[i].boundary);
		assert_samples(&(struct sample){str_text(&type), str_text(&body), body.length, "<a>=<1>"}, 1);
		str_fini(&type);
		str_fini(&body);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct str type = {0}, body = {0};
		str_printf(&type, "multipart/form-data; boundary=%s", bad[i].parameter);
		str_printf(&body, "--%s\r\n" PART("a", "1") "--%s--", bad[i].boundary, bad[i].boundary);
		assert_samples(&(struct sample){str_text(&type), str_text(&body), body.length, "malformed"}, 1);
		str_fini(&type);
		str_fini(&body);
	}
	assert_samples(&(struct sample){"multipart/form-data", BYTES("--a--"), "malformed"}, 1);
	assert_samples(&(struct sample){"multipart/form-data; boundary", BYTES("--a--"), "malformed"}, 1);
}

static void a_thousand_fields_and_no_more(void **state)
{
	struct str pairs = {0}, parts = {0};
	struct form form = {0};

	(void)state;
	str_repeat(&pairs, "a=1&", FORM_MAX_FIELDS - 1);
	str_add(&pairs, "a=2");
	assert_int_equal(form_decode(URLENCODED, pairs.text, pairs.length, &form), FORM_OK);
	assert_int_equal(form.n, FORM_MAX_FIELDS);
	assert_string_equal(form_get(&form, "a")->value, "2");
	form_fini(&form);
	str_add(&pairs, "&a=3");
	assert_int_equal(form_decode(URLENCODED, pairs.text, pairs.length, &form), FORM_MALFORMED);
	form_fini(&form);

	str_clear(&pairs);
	str_repeat(&pairs, "&", FORM_MAX_FIELDS - 1);
	assert_int_equal(form_decode(URLENCODED, pairs.text, pairs.length, &form), FORM_OK);
	assert_int_equal(form.n, 0);
	form_fini(&form);
	str_add(&pairs, "&");
	assert_int_equal(form_decode(URLENCODED, pairs.text, pairs.length, &form), FORM_MALFORMED);
	form_fini(&form);

	str_repeat(&parts, "--b\r\n" PART("a", "1"), FORM_MAX_FIELDS);
	size_t full = parts.length;
	str_add(&parts, "--b--");
	assert_int_equal(form_decode(MULTIPART, parts.text, parts.length, &form), FORM_OK);
	assert_int_equal(form.n, FORM_MAX_FIELDS);
	form_fini(&form);
	parts.length = full;
	str_add(&parts, "--b\r\n" PART("f; filename=f", "1") "--b--");
	assert_int_equal(form_decode(MULTIPART, parts.text, parts.length, &form), FORM_MALFORMED);
	form_fini(&form);
	str_fini(&pairs);
	str_fini(&parts);
}

static void the_last_field_of_a_name_wins(void **state)
{
	static const char body[] = "a=1&b=2&a=3&A=4&a%00=5&=6";
	struct form form = {0};

	(void)state;
	assert_int_equal(form_decode(URLENCODED, body, strlen(body), &form), FORM_OK);
	assert_string_equal(form_get(&form, "a")->value, "3");
	assert_string_equal(form_get(&form, "b")->value, "2");
	assert_string_equal(form_get(&form, "A")->value, "4");
	assert_string_equal(form_get(&form, "")->value, "6");
	assert_null(form_get(&form, "c"));
	form_fini(&form);
	assert_null(form_get(&form, "a"));
}

/* Every beginning of a whole body is malformed, whichever byte it stops at, up to the end boundary. */
static void cut_anywhere(void **state)
{
	static const char body[] = "x\r\n--b\r\n" PART("\"a\\\"\"", "1")
	                           "--b\r\n" PART("f; filename=f", "2") "--b--";

	(void)state;
	for (size_t n = 0; n + 1 < sizeof body; n++) {
		char *got = told(MULTIPART, body, n);
		assert_string_equal(got, "malformed");
		free(got);
	}
	assert_samples(&(struct sample){MULTIPART, BYTES(body), "<a\">=<1>"}, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urlencoded_as_django_reads_it),
		cmocka_unit_test(the_content_type_decides),
		cmocka_unit_test(multipart_as_django_reads_it),
		cmocka_unit_test(multipart_that_is_not_whole),
		cmocka_unit_test(every_legal_boundary),
		cmocka_unit_test(a_thousand_fields_and_no_more),
		cmocka_unit_test(the_last_field_of_a_name_wins),
		cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
