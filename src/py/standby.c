/* The child that stands by: forked when it is first wanted, gone when its parent is.
 *
 * A byte in each direction: do what the shared request says; done. It is taken back after that,
 * while the parent looks at the result. A child that cannot be taken back ends, and the next job is
 * a new one's. One that dies or hangs in a job is nobody's concern here: the job is done again by a
 * process of its own, and whoever watches that sees it for himself.
 */
#include "py/standby.h"

#include "base/attr.h"
#include "base/check.h"
#include "py/fork.h"
#include "py/rewind.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ASKED_BEFORE = 4,   /* a mark and the first way back to it cost what some forks do */
    DEADLINE_MS = 2000, /* for one job */
    WAIT_MS = 50,       /* between two calls of wait() */
};

enum order { ORDER_ONCE = '1', ORDER_AGAIN = 'n' };
enum answer {
    ANSWER_NONE = 0,
    ANSWER_DONE = 'd', /* ... and goes on */
    ANSWER_LAST = 'l', /* done, and ends */
};

/* ---- the child ---- */

static bool tell(int socket, char byte)
{
    return send(socket, &byte, 1, MSG_NOSIGNAL) == 1;
}

static char hear(int socket)
{
    char byte = 0;
    ssize_t got;
    while ((got = recv(socket, &byte, 1, 0)) < 0 && errno == EINTR)
        continue;
    return got == 1 ? byte : 0;
}

ZAP_NORETURN static void serve(const struct zap_standby *standby, int socket)
{
    bool has_mark = false, is_last = false;
    char order;
    zap_fork_be_quiet();
    while (!is_last && (order = hear(socket)) != 0) {
        is_last = order == ORDER_ONCE;
        if (!is_last && !has_mark && standby->begin != NULL)
            standby->begin(standby->request);
        bool has_changed = standby->prepare(standby->request);
        if (!is_last && (has_changed || !has_mark))
            is_last = !zap_rewind_mark();
        has_mark = !is_last;
        standby->work(standby->request);
        if (!tell(socket, is_last ? ANSWER_LAST : ANSWER_DONE) || (has_mark && !zap_rewind()))
            _exit(0);
    }
    standby->leave();
    _exit(0);
}

/* ---- the parent ---- */

static void dismiss(struct zap_standby *standby)
{
    close(standby->socket);
    (void)zap_fork_wait(standby->child);
    standby->child = 0;
}

static bool engage(struct zap_standby *standby)
{
    int sockets[2];
    (void)standby->prepare(standby->request);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return false;
    pid_t child = zap_fork();
    if (child == 0) {
        close(sockets[0]);
        serve(standby, sockets[1]);
    }
    close(sockets[1]);
    if (child < 0) {
        close(sockets[0]);
        return false;
    }
    standby->child = child;
    standby->socket = sockets[0];
    return true;
}

/* NONE: it died, or is late. */
static char wait_for_answer(struct zap_standby *standby)
{
    struct pollfd news = {.fd = standby->socket, .events = POLLIN};
    for (int waited_ms = 0; waited_ms < DEADLINE_MS; waited_ms += WAIT_MS) {
        standby->wait();
        if (poll(&news, 1, WAIT_MS) > 0)
            return hear(standby->socket);
    }
    return ANSWER_NONE;
}

static char order(struct zap_standby *standby, bool may_last)
{
    if (standby->child == 0 && !engage(standby))
        return ANSWER_NONE;
    char answer = ANSWER_NONE;
    if (tell(standby->socket, may_last ? ORDER_AGAIN : ORDER_ONCE))
        answer = wait_for_answer(standby);
    if (answer == ANSWER_NONE)
        kill(standby->child, SIGKILL);
    if (answer != ANSWER_DONE)
        dismiss(standby);
    if (may_last && answer != ANSWER_DONE)
        standby->asked = 0;
    return answer;
}

void *zap_standby_request(struct zap_standby *standby)
{
    if (standby->request == NULL) {
        standby->request =
            mmap(NULL, standby->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ZAP_CHECK(standby->request != MAP_FAILED);
    }
    return standby->request;
}

bool zap_standby_lasts(struct zap_standby *standby)
{
    return !standby->cannot && (standby->child != 0 || ++standby->asked > ASKED_BEFORE);
}

bool zap_standby_do(struct zap_standby *standby, bool may_last)
{
    char answer = order(standby, may_last);
    standby->cannot = standby->cannot || (may_last && answer == ANSWER_LAST);
    return answer != ANSWER_NONE;
}
