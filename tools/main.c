/* The `pyzap` program: picks the command. */
#include "cmd.h"

#include "host/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"check", zap_cmd_check, "tear random modules down on every CPython, and say what broke"},
    {"fuzz", zap_cmd_fuzz, "let libFuzzer or AFL++ look for rare plans, and say what broke"},
    {"replay", zap_cmd_replay, "run plans from files on every CPython; for CI: TAP, JUnit, JSON"},
    {"report", zap_cmd_report,
     "write one HTML page to look through: invariants, findings, timelines"},
    {"shrink", zap_cmd_shrink, "make a plan that breaks something as small as can be"},
    {"compare", zap_cmd_compare, "say what changed between CPython builds, and why"},
    {"show", zap_cmd_show, "explain a plan in words; run it and show what happened"},
    {"script", zap_cmd_script, "print a plan as a stand-alone Python script"},
    {"gen", zap_cmd_gen, "print random plans"},
    {"pythons", zap_cmd_pythons, "list the CPython builds, and what each can do"},
};

static void print_help(FILE *out)
{
    fputs("pyzap: what happens to the things a module owned when the module goes away?\n\n"
          "It generates modules with random globals and interlinked __del__ methods, tears them\n"
          "down by every route CPython has, checks what happened against what CPython promises,\n"
          "and turns each surprise into a small program that anyone can run.\n\n"
          "Usage: pyzap COMMAND [OPTION]... [OPERAND]...\n\nCommands\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %-10s  %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "`pyzap COMMAND --help` says more. Start with `pyzap check`: it takes a minute.\n\n"
          "Exit status: 0 nothing found, 1 findings, 2 usage or bad input, 70 pyzap itself failed\n"
          "(which is never a pass, and outweighs findings).\n\n"
          "Environment: PYZAP_WORKERS=DIR takes the workers from DIR instead of\n"
          "../libexec/pyzap, seen from the program.\n",
          out);
}

/* A file opened under the number of a closed standard stream would get what is printed: better that
 * printing fails. */
static void fill_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            exit(ZAP_EXIT_FAILURE);
    }
}

/* What was printed has to be somewhere: a full disk is no pass. A reader that has gone had enough.
 */
static int finish(int status)
{
    if (!ferror(stdout) && fflush(stdout) == 0)
        return status;
    /* An earlier write failed, for a reason that is forgotten: the next one has it again. */
    clearerr(stdout);
    errno = 0;
    putchar('\n');
    fflush(stdout);
    if (errno == EPIPE)
        return status;
    fprintf(stderr, "pyzap: cannot write to standard output: %s\n",
            errno ? strerror(errno) : "some of it is lost");
    return ZAP_EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return ZAP_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return finish(ZAP_EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("pyzap " ZAP_VERSION);
        return finish(ZAP_EXIT_OK);
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = finish(commands[i].run(argc - 1, argv + 1));
            zap_symbols_release();
            return status;
        }
    }
    fprintf(stderr, "pyzap: there is no command \"%s\"; `pyzap --help` lists them\n", argv[1]);
    return ZAP_EXIT_USAGE;
}
