/* Bytes are gathered until there is a line. */
#include "command/step_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "command/interrupt.h"

/* ---- signals ------------------------------------------------------------------------------------------- */

static void mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

void step_signals_hold(void)
{
	mask(SIG_BLOCK);
}

void step_signals_let_go(void)
{
	mask(SIG_UNBLOCK);
}

/* Until there is something to read. Between the look at the flag and the waiting no signal gets lost: it is
 * held, and ppoll alone lets it in. */
static bool wait_for_bytes(int fd)
{
	struct pollfd poll = {.fd = fd, .events = POLLIN};
	sigset_t open;

	pthread_sigmask(SIG_SETMASK, NULL, &open);
	step_signals_hold();
	int ready = interrupted ? -1 : ppoll(&poll, 1, NULL, &open);
	pthread_sigmask(SIG_SETMASK, &open, NULL);
	return ready > 0;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

bool step_input_is_open(struct err *err)
{
	return fcntl(STDIN_FILENO, F_GETFD) >= 0 ||
	       err_set(err, "standard input is closed: what to do next is read from there");
}

/* STEP_READ_LINE: some came, or it has ended. */
static enum step_read read_some(struct step_input *input, struct err *err)
{
	char bytes[4096];

	for (;;) {
		bool ready = wait_for_bytes(input->fd);
		if (interrupted)
			return STEP_READ_INTERRUPTED;
		if (!ready)
			continue;
		ssize_t n = read(input->fd, bytes, sizeof bytes);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			err_set(err, "what to do next cannot be read: %s", strerror(errno));
			return STEP_READ_FAILED;
		}
		input->ended = n == 0;
		str_add_n(&input->bytes, bytes, (size_t)n);
		return STEP_READ_LINE;
	}
}

/* Drops what was taken. */
static void make_room(struct step_input *input)
{
	const size_t left = input->bytes.length - input->at;

	if (input->at > 0)
		memmove(input->bytes.text, input->bytes.text + input->at, left);
	input->bytes.length = left;
	input->at = 0;
}

enum step_read step_input_read(struct step_input *input, const char **line, size_t *length, struct err *err)
{
	make_room(input);
	for (;;) {
		const char *begin = str_text(&input->bytes);
		const size_t left = input->bytes.length;
		const char *end = left > 0 ? memchr(begin, '\n', left) : NULL;
		const bool is_last = input->ended && end == NULL, cut = input->cutting;
		*length = end != NULL ? (size_t)(end - begin) : left;
		input->cutting = (cut || *length > STEP_LINE_MOST) && end == NULL && !is_last;
		if (input->cutting) {
			input->at = left;
			make_room(input);
		} else if (end != NULL || (is_last && (left > 0 || cut))) {
			*line = begin;
			input->at = *length + (end != NULL);
			return cut || *length > STEP_LINE_MOST ? STEP_READ_TOO_LONG : STEP_READ_LINE;
		} else if (is_last) {
			return STEP_READ_END;
		}
		enum step_read read = input->ended ? STEP_READ_LINE : read_some(input, err);
		if (read != STEP_READ_LINE)
			return read;
	}
}

void step_input_fini(struct step_input *input)
{
	str_fini(&input->bytes);
}
