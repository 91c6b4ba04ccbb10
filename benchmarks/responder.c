/* A name server on loopback for benchmarks: one UDP port for each "resolver".
 *
 * It answers d<number>.bench.example A with a chain of two CNAMEs and two addresses that follow
 * from the number, so that whoever asks can check each answer:
 *
 *     d7.bench.example                 CNAME  b7.oss-cn-hangzhou.aliyuncs.com
 *     b7.oss-cn-hangzhou.aliyuncs.com  CNAME  cn-hangzhou.oss.edge.example
 *     cn-hangzhou.oss.edge.example     A      10.0.0.7 and 10.128.0.7
 *
 * TTLs count down, as of many caches behind one address: no two answers in a row have the same.
 * It says its ports on the first line, and on the last one, at SIGTERM, what it did, as JSON.
 * It ends with its parent, and in any case after --seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, MAX_PORTS = 64, OCTETS = 512, HEADER = 12, MOST_HELD = 1 << 14 };
enum { A = 1, CNAME = 5, OPT = 41, REFUSED = 5 };

static struct {
    unsigned ports, core, seconds;      /* --core counts from 1 here, 0 is any */
    unsigned change, epoch;             /* percent of the names that change in each epoch of seconds */
    unsigned drop, stray, lie, late;    /* permille of the questions */
    unsigned delay;                     /* milliseconds for which the late answers are held back */
    unsigned reorder, fresh;
} told = {.ports = 1, .seconds = 600, .epoch = 5, .delay = 3000};

static struct {
    unsigned long asked, answered, dropped, strays, lies, late;
    double first; /* question, in seconds of CLOCK_MONOTONIC */
} count;

/* Answers that are held back, the oldest first. */
static struct held {
    int port;
    struct sockaddr_in to;
    size_t length;
    uint8_t wire[OCTETS];
    double due;
} held[MOST_HELD];
static unsigned long held_from, held_until;

static volatile sig_atomic_t is_over;
static unsigned long now; /* seconds since the start */

/* An even spread without chance: true for `permille` of the questions, the same at each run. */
static bool is_turn(unsigned permille, unsigned salt)
{
    return permille && ((count.asked + salt) * 2654435761u >> 8) % 1000 < permille;
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
    at[0] = value >> 8;
    at[1] = value;
    return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
    return put16(put16(at, value >> 16), value & 0xffff);
}

static uint8_t *put_record(uint8_t *at, unsigned owner, unsigned type, unsigned ttl, unsigned length)
{
    ttl -= (now + 7 * count.answered) % ttl;
    return put16(put32(put16(put16(put16(at, 0xc000 | owner), type), 1), ttl), length);
}

static uint8_t *put_address(uint8_t *at, unsigned owner, unsigned long number, bool is_second)
{
    at = put_record(at, owner, A, 60, 4);
    return put32(at, 10u << 24 | (unsigned)is_second << 23 | (number & 0x7fffff));
}

/* How often a name has changed its bucket: every epoch the next share of the names does. */
static unsigned long changes(unsigned long number)
{
    if (!told.change)
        return 0;
    unsigned long period = 100 / told.change, first = number % period;
    return (first + now / told.epoch) / period;
}

static uint8_t *put_chain(uint8_t *at, const uint8_t *start, unsigned long number)
{
    static const uint8_t endpoint[] = "\17oss-cn-hangzhou\10aliyuncs\3com";
    static const uint8_t edge[] = "\13cn-hangzhou\3oss\4edge\7example";
    uint8_t label[64];
    unsigned long version = changes(number);
    int length = version ? snprintf((char *)label, sizeof label, "b%lu-%lu", number, version)
                         : snprintf((char *)label, sizeof label, "b%lu", number);

    at = put_record(at, HEADER, CNAME, 600, 1 + length + sizeof endpoint);
    unsigned bucket = at - start;
    *at++ = length;
    at = (uint8_t *)mempcpy(at, label, length);
    at = (uint8_t *)mempcpy(at, endpoint, sizeof endpoint);
    at = put_record(at, bucket, CNAME, 300, sizeof edge);
    unsigned target = at - start;
    at = (uint8_t *)mempcpy(at, edge, sizeof edge);

    bool is_reordered = told.reorder && is_turn(500, 2);
    unsigned long second = told.fresh ? count.answered : number;
    at = put_address(at, target, is_reordered ? second : number, is_reordered);
    return put_address(at, target, is_reordered ? number : second, !is_reordered);
}

/* Return the number in d<number>.bench.example, in any case of letters, or -1. */
static long number_of(const uint8_t *name)
{
    static const char suffix[] = "\5bench\7example";
    long number = 0;
    if (name[0] < 2 || name[0] > 9 || (name[1] | 32) != 'd')
        return -1;
    for (unsigned n = 2; n <= name[0]; n++) {
        if (name[n] < '0' || name[n] > '9')
            return -1;
        number = number * 10 + name[n] - '0';
    }
    return strcasecmp((const char *)name + name[0] + 1, suffix) ? -1 : number;
}

/* Write the answer to one question; return its length, or 0 for what is no question. */
static size_t answer(const uint8_t *asked, size_t length, uint8_t *out)
{
    size_t end = HEADER;
    while (end < length && asked[end])
        end += asked[end] + 1;
    end += 5;
    if (end > length || end > 300 || asked[2] & 0x80)
        return 0;
    memset(out, 0, HEADER);
    memcpy(out, asked, 2);
    out[2] = 0x80 | (asked[2] & 1); /* QR, and RD as asked */
    out[3] = 0x80;                  /* RA */
    out[5] = 1;
    memcpy(out + HEADER, asked + HEADER, end - HEADER); /* octet for octet: 0x20 is seen */
    uint8_t *at = out + end;

    long number = number_of(asked + HEADER);
    if (number < 0) {
        out[3] |= REFUSED;
    } else if (asked[end - 3] == A) {
        bool is_lie = is_turn(told.lie, 1); /* another name's: as if a cache had a wrong key */
        count.lies += is_lie;
        at = put_chain(at, out, number + is_lie);
        out[7] = 4;
    }
    if (asked[11] && length >= end + 11 && asked[end + 2] == OPT) {
        *at++ = 0;
        at = put16(put32(put16(put16(at, OPT), 1232), 0), 0);
        out[11] = 1;
    }
    return at - out;
}

/* Send what must not be taken for the answer: a wrong id, another question, a stump, a double. */
static void send_stray(int port, const struct msghdr *to, const uint8_t *good, size_t length)
{
    uint8_t bad[OCTETS];
    memcpy(bad, good, length);
    switch (count.strays++ % 4) {
    case 0: bad[1] ^= 0x55; break;
    case 1: bad[HEADER + 2] ^= 1; break; /* a digit stays a digit */
    case 2: length = 5; break;
    default: break;
    }
    sendto(port, bad, length, 0, to->msg_name, to->msg_namelen);
}

static double clock_seconds(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

/* Keep an answer for later; false where no more can be kept. */
static bool hold(int port, const struct sockaddr_in *to, const uint8_t *wire, size_t length)
{
    if (held_until - held_from == MOST_HELD)
        return false;
    struct held *one = &held[held_until++ % MOST_HELD];
    *one = (struct held){.port = port, .to = *to, .length = length};
    memcpy(one->wire, wire, length);
    one->due = clock_seconds() + told.delay / 1e3;
    return true;
}

static void send_what_was_held(void)
{
    double at = clock_seconds();
    for (; held_from < held_until && held[held_from % MOST_HELD].due <= at; held_from++) {
        struct held *one = &held[held_from % MOST_HELD];
        sendto(one->port, one->wire, one->length, 0, (struct sockaddr *)&one->to, sizeof one->to);
        count.late++;
    }
}

static void send_all(int port, struct mmsghdr *ready, unsigned many)
{
    while (many) {
        int sent = sendmmsg(port, ready, many, 0);
        if (sent < 1)
            sent = 1; /* who asked has closed its port: on with the next */
        ready += sent;
        many -= sent;
    }
}

static void serve(int port)
{
    static uint8_t in[BATCH][OCTETS], out[BATCH][OCTETS];
    static struct sockaddr_in from[BATCH];
    struct iovec in_at[BATCH], out_at[BATCH];
    struct mmsghdr asked[BATCH] = {0}, ready[BATCH] = {0};
    for (int n = 0; n < BATCH; n++) {
        in_at[n] = (struct iovec){in[n], OCTETS};
        asked[n].msg_hdr = (struct msghdr){&from[n], sizeof from[n], &in_at[n], 1, 0, 0, 0};
    }
    int many = recvmmsg(port, asked, BATCH, MSG_DONTWAIT, NULL);
    unsigned answers = 0;
    if (!count.asked)
        count.first = clock_seconds();
    for (int n = 0; n < many; n++) {
        count.asked++;
        size_t length = answer(in[n], asked[n].msg_len, out[answers]);
        if (!length || is_turn(told.drop, 3)) {
            count.dropped++;
            continue;
        }
        if (is_turn(told.late, 5) && hold(port, &from[n], out[answers], length))
            continue;
        count.answered++;
        if (is_turn(told.stray, 4))
            send_stray(port, &asked[n].msg_hdr, out[answers], length);
        out_at[answers] = (struct iovec){out[answers], length};
        ready[answers].msg_hdr = asked[n].msg_hdr;
        ready[answers].msg_hdr.msg_iov = &out_at[answers];
        answers++;
    }
    send_all(port, ready, answers);
}

static int open_port(int events)
{
    int port = socket(AF_INET, SOCK_DGRAM, 0), room = 8 << 20;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (setsockopt(port, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room))
        setsockopt(port, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(port, (struct sockaddr *)&at, size) || getsockname(port, (struct sockaddr *)&at, &size))
        err(1, "no port");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = port};
    epoll_ctl(events, EPOLL_CTL_ADD, port, &event);
    return ntohs(at.sin_port);
}

static void understand(int count_of, char **words)
{
    static const struct { const char *name; unsigned *value; } known[] = {
        {"ports", &told.ports}, {"core", &told.core}, {"seconds", &told.seconds},
        {"change", &told.change}, {"epoch", &told.epoch}, {"drop", &told.drop},
        {"stray", &told.stray}, {"lie", &told.lie}, {"late", &told.late},
        {"delay", &told.delay}, {"reorder", &told.reorder}, {"fresh", &told.fresh}};
    enum { KNOWN = sizeof known / sizeof *known };
    struct option options[KNOWN + 1] = {0};
    for (int n = 0; n < KNOWN; n++)
        options[n] = (struct option){known[n].name, required_argument, NULL, n};
    for (int n; (n = getopt_long(count_of, words, "", options, NULL)) != -1;) {
        if (n < 0 || n >= KNOWN)
            exit(2);
        *known[n].value = strtoul(optarg, NULL, 10);
    }
    if (!told.ports || told.ports > MAX_PORTS || told.change > 100 || !told.epoch)
        errx(2, "at most %d ports, at most 100 percent, epochs of a second or more", MAX_PORTS);
}

static void stop(int signal)
{
    is_over = signal;
}

int main(int count_of, char **words)
{
    understand(count_of, words);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    if (told.core) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(told.core - 1, &cores);
        sched_setaffinity(0, sizeof cores, &cores);
    }
    int events = epoll_create1(0);
    for (unsigned n = 0; n < told.ports; n++)
        printf("%d%c", open_port(events), n + 1 < told.ports ? ',' : '\n');
    fflush(stdout);

    double start = clock_seconds();
    while (!is_over && now < told.seconds) {
        struct epoll_event ready[MAX_PORTS];
        int many = epoll_wait(events, ready, MAX_PORTS, held_from < held_until ? 10 : 200);
        now = clock_seconds() - start;
        for (int n = 0; n < many; n++)
            serve(ready[n].data.fd);
        send_what_was_held();
    }
    printf("{\"asked\": %lu, \"answered\": %lu, \"dropped\": %lu, \"strays\": %lu, "
           "\"lies\": %lu, \"late\": %lu, \"first\": %.6f}\n",
           count.asked, count.answered, count.dropped, count.strays, count.lies, count.late,
           count.first);
}
