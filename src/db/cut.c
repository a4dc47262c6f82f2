/* Breaking a connection without pretending anything: its socket is shut down. To lose answers only, a unix
 * socket closed for reading will do, since its peer can then send no more. TCP goes on delivering what comes
 * after that, if it comes before the client looks: there the system is told to drop segments that carry
 * data, while those that acknowledge ours must pass. What has come already is thrown away. */
#include <linux/filter.h>
#include <sys/socket.h>

#include "base/str.h"
#include "db/driver.h"

/* A filter of a TCP socket sees its segments from the TCP header on. */
static bool drop_data(int socket)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), /* the header's length, in words, is its upper half */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	static const struct sock_fprog program = {.len = COUNT_OF(code), .filter = code};

	return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static bool is_unix(int socket)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof name;

	return getsockname(socket, (struct sockaddr *)&name, &length) == 0 && name.ss_family == AF_UNIX;
}

/* Where the system drops nothing for us, the statement must not arrive either: an answer that comes
 * through would be worse. A socket that the server has closed already is as good as shut down. */
void db_cut_socket(int socket, enum db_cut cut)
{
	bool answers_only = cut == DB_CUT_ANSWERS && (is_unix(socket) || drop_data(socket));
	char lost[4096];

	(void)shutdown(socket, answers_only ? SHUT_RD : SHUT_RDWR);
	while (recv(socket, lost, sizeof lost, MSG_DONTWAIT) > 0)
		continue;
}
