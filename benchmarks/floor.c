/* The floor: what the kernel takes for one send() and one recv() a probe, and next to nothing more.
 *
 * Connected UDP sockets, one for each port, 256 questions in flight over all of them, epoll. Of an
 * answer only the id is read. It prints a line of JSON for each round, like every contender.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { WINDOW = 256, MAX_PORTS = 64, OCTETS = 512, PATIENCE_MS = 1000 };

struct question {
    uint8_t length, wire[47];
};

struct resolver {
    int socket;
    size_t next, in_flight;
    uint16_t id;
    bool is_asked[1 << 16];
};

static struct resolver resolvers[MAX_PORTS];
static struct question *questions;
static size_t names, ports, rounds = 1, window;

static void connect_to(struct resolver *to, unsigned port, int events)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (connect(to->socket, (struct sockaddr *)&at, sizeof at))
        err(1, "port %u", port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = to};
    epoll_ctl(events, EPOLL_CTL_ADD, to->socket, &event);
}

static void write_questions(void)
{
    questions = calloc(names, sizeof *questions);
    for (size_t n = 0; n < names; n++) {
        uint8_t *wire = questions[n].wire;
        memcpy(wire, "\0\0\1\0\0\1\0\0\0\0\0\0", 12);
        int label = sprintf((char *)wire + 13, "d%zu", n);
        wire[12] = label;
        memcpy(wire + 13 + label, "\5bench\7example\0\0\1\0\1", 19);
        questions[n].length = 13 + label + 19;
    }
}

static void ask(struct resolver *to)
{
    while (to->in_flight < window && to->next < names) {
        struct question *question = &questions[to->next];
        uint16_t id = ++to->id;
        memcpy(question->wire, &id, 2);
        if (send(to->socket, question->wire, question->length, 0) < 0)
            return;
        to->is_asked[id] = true;
        to->in_flight++;
        to->next++;
    }
}

static size_t hear(struct resolver *from)
{
    uint8_t answer[OCTETS];
    size_t heard = 0;
    while (recv(from->socket, answer, sizeof answer, 0) >= 2) {
        uint16_t id;
        memcpy(&id, answer, 2);
        heard += from->is_asked[id];
        from->in_flight -= from->is_asked[id];
        from->is_asked[id] = false;
    }
    return heard;
}

/* Ask every name of every resolver once; return how many answers never came. */
static size_t ask_round(int events)
{
    size_t heard = 0;
    for (size_t n = 0; n < ports; n++) {
        resolvers[n].next = resolvers[n].in_flight = 0;
        memset(resolvers[n].is_asked, 0, sizeof resolvers[n].is_asked);
        ask(&resolvers[n]);
    }
    while (heard < names * ports) {
        struct epoll_event ready[MAX_PORTS];
        int many = epoll_wait(events, ready, MAX_PORTS, PATIENCE_MS);
        if (many < 1)
            break;
        for (int n = 0; n < many; n++) {
            heard += hear(ready[n].data.ptr);
            ask(ready[n].data.ptr);
        }
    }
    return names * ports - heard;
}

static double seconds(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static double peak_mb(void)
{
    /* Not ru_maxrss: that one begins with the size of the process that started this one. */
    char line[256];
    unsigned long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lu", &kib) == 1)
            break;
    return kib / 1024.0;
}

static void understand(int count, char **words, int events)
{
    static const struct option known[] = {{"names", required_argument, NULL, 'n'},
                                          {"ports", required_argument, NULL, 'p'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"core", required_argument, NULL, 'c'},
                                          {"answers", required_argument, NULL, 'a'}, {0}};
    cpu_set_t cores;
    for (int word; (word = getopt_long(count, words, "", known, NULL)) != -1;) {
        switch (word) {
        case 'n': names = strtoul(optarg, NULL, 10); break;
        case 'r': rounds = strtoul(optarg, NULL, 10); break;
        case 'p':
            for (char *port = strtok(optarg, ","); port && ports < MAX_PORTS; port = strtok(NULL, ","))
                connect_to(&resolvers[ports++], strtoul(port, NULL, 10), events);
            break;
        case 'c':
            CPU_ZERO(&cores);
            CPU_SET(strtoul(optarg, NULL, 10) - 1, &cores);
            sched_setaffinity(0, sizeof cores, &cores);
            break;
        case 'a': break; /* whatever they are, only their ids are read */
        default: exit(2);
        }
    }
    if (!names || !ports)
        errx(2, "--names and --ports say what to ask");
}

int main(int count, char **words)
{
    int events = epoll_create1(0);
    understand(count, words, events);
    window = WINDOW / ports;
    write_questions();
    while (rounds--) {
        double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        size_t lost = ask_round(events);
        cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        wall = seconds(CLOCK_MONOTONIC) - wall;
        printf("{\"probes\": %zu, \"cpu_seconds\": %.6f, \"wall_seconds\": %.6f, "
               "\"peak_rss_mb\": %.1f, \"wrong\": %zu, \"checked\": \"ids\"}\n",
               names * ports, cpu, wall, peak_mb(), lost);
        fflush(stdout);
    }
}
