/*
 * One stack driven packet by packet, its peer played by hand: what leaves, in which form, and when. Every test prints its
 * name; the first thing that is not as it should be ends it with the line that says what.
 */
#define _GNU_SOURCE
#include "mptcp.h"
#include "packets.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            printf("FAILED %s, line %d: %s\n", current, __LINE__, #condition);       \
            failures++;                                                              \
            return;                                                                  \
        }                                                                            \
    } while (0)

#define EQUAL(expected, given)                                                       \
    do {                                                                             \
        long long left = (long long)(expected), right = (long long)(given);          \
        if (left != right) {                                                         \
            printf("FAILED %s, line %d: %s is %lld (%llx), not %lld (%llx)\n",       \
                   current, __LINE__, #given, right, right, left, left);             \
            failures++;                                                              \
            return;                                                                  \
        }                                                                            \
    } while (0)

enum { OURS = 0x0a000001, OURS_TOO = 0x0a010001, THEIRS = 0x0a000002, THEIRS_TOO = 0x0a010002 };
enum { START = 1000000, MS = 1000, PEER_ISN = 5000, PEER_PORT = 80 };

#define OUR_KEY 0x0102030405060708ull
#define THEIR_KEY 0x1112131415161718ull

static const char *current;
static int failures;
static mptcp_stack *stack;
static int64_t now;
static int out_ifindex;
static int64_t out_at;

/* The connection that a test plays: numbers are the peer's own and the next it expects. */
struct peer {
    int      s;
    uint32_t address;
    uint16_t port, our_port;
    uint32_t our_address;
    uint32_t seq, ack;
    uint64_t data, data_ack; /* data sequence numbers: our next one as the peer, and the next we expect */
};

static uint64_t our_key(void *context)
{
    (void)context;
    return OUR_KEY;
}

static struct sockaddr_in at(uint32_t address, uint16_t port)
{
    struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    return made;
}

static void begin_with(const char *name, struct mptcp_config config)
{
    struct sockaddr_in one = at(OURS, 0), two = at(OURS_TOO, 0);
    config.size = sizeof config;
    config.clock_start_us = now = START;
    config.seed = 1;
    config.key = our_key;
    current = name;
    stack = mptcp_stack_new(&config);
    mptcp_if_add(stack, 1, (struct sockaddr *)&one, 24, 1500);
    mptcp_if_add(stack, 2, (struct sockaddr *)&two, 24, 1500);
}

static void begin(const char *name) { begin_with(name, (struct mptcp_config){0}); }

static void end(void)
{
    mptcp_stack_free(stack);
    stack = NULL;
    printf("%s\n", current);
}

static void pass(int64_t us)
{
    now += us;
    mptcp_advance(stack, now);
}

/* The next packet, or false when there is none. */
static bool take(struct segment *segment)
{
    uint8_t packet[2100];
    ssize_t length = mptcp_output(stack, &out_ifindex, packet, sizeof packet, &out_at);
    if (length <= 0)
        return false;
    if (!packet_read(packet, (size_t)length, segment)) {
        printf("FAILED %s: a packet that cannot be read\n", current);
        failures++;
        return false;
    }

    return true;
}

static bool nothing_left(void)
{
    struct segment left;
    return !take(&left);
}

static void put(int ifindex, const struct segment *segment)
{
    uint8_t packet[2100];
    size_t length = packet_make(segment, packet);
    mptcp_input(stack, ifindex, packet, length);
}

static struct segment from(const struct peer *peer, uint8_t flags)
{
    struct segment made = {
        .source = peer->address, .destination = peer->our_address, .source_port = peer->port,
        .destination_port = peer->our_port, .seq = peer->seq, .ack = flags & ACK ? peer->ack : 0, .flags = flags, .window = 60000,
    };
    return made;
}

static void send_flags(struct peer *peer, uint8_t flags)
{
    struct segment made = from(peer, flags);
    put(1, &made);
    peer->seq += (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
}

static void add_payload(struct segment *segment, const char *text)
{
    segment->length = strlen(text);
    memcpy(segment->payload, text, segment->length);
}

static void send_text(struct peer *peer, const char *text)
{
    struct segment made = from(peer, ACK | PSH);
    add_payload(&made, text);
    put(1, &made);
    peer->seq += (uint32_t)made.length;
}

/* DSS with a 64-bit DATA_ACK, and a mapping of the payload where there is one. */
static void add_dss(struct segment *segment, struct peer *peer, uint32_t relative, bool fin, int checksum)
{
    uint8_t option[28] = {OPT_MPTCP, 12, DSS << 4, 3};
    put64(option + 4, peer->data_ack);
    if (segment->length > 0 || fin) {
        uint16_t length = (uint16_t)(segment->length + (fin ? 1 : 0));
        option[1] = checksum >= 0 ? 28 : 26;
        option[3] = (uint8_t)(3 | 4 | 8 | (fin ? 16 : 0));
        put64(option + 12, peer->data);
        put32(option + 20, segment->length > 0 ? relative : 0);
        option[24] = (uint8_t)(length >> 8);
        option[25] = (uint8_t)length;
        if (checksum >= 0) {
            option[26] = (uint8_t)(checksum >> 8);
            option[27] = (uint8_t)checksum;
        }

        peer->data += length;
    }

    add_option(segment, option);
}

static void send_mapped(struct peer *peer, const char *text, int checksum)
{
    struct segment made = from(peer, ACK | PSH);
    add_payload(&made, text);
    add_dss(&made, peer, peer->seq - PEER_ISN, false, checksum);
    put(1, &made);
    peer->seq += (uint32_t)made.length;
}

static void send_data_ack(struct peer *peer)
{
    struct segment made = from(peer, ACK);
    add_dss(&made, peer, 0, false, -1);
    put(1, &made);
}

static void add_mss(struct segment *segment)
{
    static const uint8_t mss[4] = {OPT_MSS, 4, 1460 >> 8, 1460 & 255};
    add_option(segment, mss);
}

static void add_capable(struct segment *segment, uint8_t flags, const uint64_t *first, const uint64_t *second)
{
    uint8_t option[20] = {OPT_MPTCP, 4, MP_CAPABLE << 4 | 1, flags};
    if (first != NULL) {
        option[1] = second == NULL ? 12 : 20;
        put64(option + 4, *first);
    }

    if (second != NULL)
        put64(option + 12, *second);
    add_option(segment, option);
}

static long read_text(int s, char *text, size_t size)
{
    ssize_t count = mptcp_read(stack, s, text, size - 1, 0);
    text[count > 0 ? count : 0] = 0;
    return count;
}

static int listen_at(uint16_t port, int protocol)
{
    struct sockaddr_in place = at(OURS, port);
    int s = mptcp_socket(stack, AF_INET, SOCK_STREAM, protocol);
    mptcp_bind(stack, s, (struct sockaddr *)&place, sizeof place);
    return mptcp_listen(stack, s, 4) == 0 ? s : -1;
}

/* Opens a connection of ours; `first` is its SYN. */
static struct peer open_ours(int protocol, struct segment *first)
{
    struct sockaddr_in place = at(THEIRS, PEER_PORT);
    struct peer peer = {.address = THEIRS, .port = PEER_PORT, .our_address = OURS, .seq = PEER_ISN};
    peer.s = mptcp_socket(stack, AF_INET, SOCK_STREAM, protocol);
    mptcp_connect(stack, peer.s, (struct sockaddr *)&place, sizeof place);
    memset(first, 0, sizeof *first);
    take(first);
    peer.our_port = first->source_port;
    peer.ack = first->seq + 1;
    return peer;
}

/* The same with its whole handshake, of plain TCP. */
static struct peer connect_tcp(void)
{
    struct segment segment;
    struct peer peer = open_ours(IPPROTO_TCP, &segment);
    struct segment answer = from(&peer, SYN | ACK);
    add_mss(&answer);
    put(1, &answer);
    peer.seq++;
    take(&segment);
    return peer;
}

/* The same of Multipath TCP, with an acknowledgement that confirms it. */
static struct peer connect_mptcp(uint8_t flags, bool confirmed)
{
    struct segment segment;
    struct peer peer = open_ours(262, &segment);
    struct segment answer = from(&peer, SYN | ACK);
    uint64_t theirs = THEIR_KEY;
    add_mss(&answer);
    add_capable(&answer, flags, &theirs, NULL);
    put(1, &answer);
    peer.seq++;
    take(&segment);
    peer.data = idsn_of(THEIR_KEY) + 1;
    peer.data_ack = idsn_of(OUR_KEY) + 1;
    if (confirmed)
        send_data_ack(&peer);
    return peer;
}

/* Takes the next packet and remembers its payload as arrived. */
static bool take_data(struct peer *peer, struct segment *segment)
{
    bool taken = take(segment);
    if (taken) {
        peer->ack = segment->seq + (uint32_t)segment->length;
        peer->data_ack += segment->length;
    }

    return taken;
}

static int option_of_socket(int s, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    int failure = mptcp_getsockopt(stack, s, level, name, &value, &length);
    return failure < 0 ? failure : value;
}

/* ---- plain TCP ---- */

static void active_tcp(void)
{
    struct segment segment;
    begin("active handshake of TCP");
    struct peer peer = open_ours(IPPROTO_TCP, &segment);
    EQUAL(SYN, segment.flags);
    EQUAL(OURS, segment.source);
    EQUAL(1, out_ifindex);
    EQUAL(START, out_at);

    /* As Linux has them: mss, sackOK, timestamps, nop, wscale. */
    static const uint8_t order[] = {OPT_MSS, OPT_SACK_OK, OPT_TIMESTAMPS};
    EQUAL(order[0], segment.options[0]);
    EQUAL(1460, segment.options[2] << 8 | segment.options[3]);
    EQUAL(order[1], segment.options[4]);
    EQUAL(order[2], segment.options[6]);
    EQUAL(1, segment.options[16]);
    EQUAL(OPT_WSCALE, segment.options[17]);
    EQUAL(7, segment.options[19]);
    EQUAL(20, segment.options_length);
    EQUAL(0, mptcp_poll_mask(stack, peer.s));
    struct segment answer = from(&peer, SYN | ACK);
    add_mss(&answer);
    put(1, &answer);
    CHECK(take(&segment));
    EQUAL(ACK, segment.flags);
    EQUAL(PEER_ISN + 1, segment.ack);
    EQUAL(peer.ack, segment.seq);
    EQUAL(POLLOUT | POLLWRNORM, mptcp_poll_mask(stack, peer.s));
    EQUAL(0, option_of_socket(peer.s, SOL_SOCKET, SO_ERROR));
    CHECK(nothing_left());
    end();
}

static void passive_tcp(void)
{
    struct segment segment;
    char text[32];
    begin("passive handshake of TCP, data, close by the peer");
    int waiting = listen_at(7000, IPPROTO_TCP);
    struct peer peer = {.address = THEIRS, .port = 4000, .our_address = OURS, .our_port = 7000, .seq = PEER_ISN};
    struct segment syn = from(&peer, SYN);
    add_mss(&syn);
    put(1, &syn);
    peer.seq++;
    CHECK(take(&segment));
    EQUAL(SYN | ACK, segment.flags);
    EQUAL(PEER_ISN + 1, segment.ack);
    peer.ack = segment.seq + 1;
    EQUAL(-EAGAIN, mptcp_accept(stack, waiting, NULL, NULL, 0));
    send_flags(&peer, ACK);
    EQUAL(POLLIN | POLLRDNORM, mptcp_poll_mask(stack, waiting));
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    peer.s = mptcp_accept(stack, waiting, (struct sockaddr *)&name, &length, 0);
    CHECK(peer.s >= 0);
    EQUAL(4000, ntohs(name.sin_port));
    send_text(&peer, "hello");
    EQUAL(5, read_text(peer.s, text, sizeof text));
    CHECK(strcmp(text, "hello") == 0);
    CHECK(take(&segment));
    EQUAL(peer.seq, segment.ack);
    EQUAL(3, mptcp_write(stack, peer.s, "bye", 3, 0));
    CHECK(take_data(&peer, &segment));
    EQUAL(3, segment.length);
    send_flags(&peer, ACK | FIN);
    CHECK(take(&segment));
    EQUAL(peer.seq, segment.ack);
    EQUAL(0, read_text(peer.s, text, sizeof text));
    CHECK(mptcp_poll_mask(stack, peer.s) & POLLRDHUP);
    EQUAL(0, mptcp_close(stack, peer.s));
    CHECK(take(&segment));
    EQUAL(FIN | ACK, segment.flags);
    peer.ack++;
    send_flags(&peer, ACK);
    CHECK(nothing_left());
    EQUAL(INT64_MAX, mptcp_next_timer(stack));
    end();
}

static void simultaneous_tcp(void)
{
    struct segment segment;
    begin("simultaneous open of TCP");
    struct peer peer = open_ours(IPPROTO_TCP, &segment);
    send_flags(&peer, SYN);
    CHECK(take(&segment));
    EQUAL(SYN | ACK, segment.flags);
    EQUAL(peer.ack - 1, segment.seq);
    EQUAL(PEER_ISN + 1, segment.ack);
    peer.seq = PEER_ISN;
    send_flags(&peer, SYN | ACK);
    CHECK(mptcp_poll_mask(stack, peer.s) & POLLOUT);
    EQUAL(2, mptcp_write(stack, peer.s, "hi", 2, 0));
    do
        CHECK(take(&segment));
    while (segment.length == 0);
    EQUAL(2, segment.length);
    end();
}

static void close_orders_tcp(void)
{
    struct segment segment;
    begin("orders of closing, TCP");
    struct peer peer = connect_tcp();
    EQUAL(0, mptcp_shutdown(stack, peer.s, SHUT_WR));
    CHECK(take(&segment));
    EQUAL(FIN | ACK, segment.flags);
    peer.ack++;
    send_flags(&peer, ACK);
    send_text(&peer, "late");
    char text[8];
    EQUAL(4, read_text(peer.s, text, sizeof text));
    CHECK(take(&segment));
    send_flags(&peer, FIN | ACK);
    CHECK(take(&segment));
    EQUAL(peer.seq, segment.ack);
    EQUAL(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP | POLLHUP, mptcp_poll_mask(stack, peer.s));
    EQUAL(0, mptcp_close(stack, peer.s));

    /* Both at once: FINs cross. */
    peer = connect_tcp();
    mptcp_close(stack, peer.s);
    CHECK(take(&segment));
    EQUAL(FIN | ACK, segment.flags);
    send_flags(&peer, FIN | ACK);
    CHECK(take(&segment));
    EQUAL(peer.seq, segment.ack);
    peer.ack++;
    send_flags(&peer, ACK);
    CHECK(nothing_left());

    /* Unread data, and data after a close, are answered with a RST. */
    peer = connect_tcp();
    send_text(&peer, "unread");
    CHECK(take(&segment));
    mptcp_close(stack, peer.s);
    CHECK(take(&segment));
    CHECK(segment.flags & RST);
    peer = connect_tcp();
    mptcp_close(stack, peer.s);
    CHECK(take(&segment));
    peer.ack++;
    send_text(&peer, "too late");
    CHECK(take(&segment));
    CHECK(segment.flags & RST);

    /* A RST of the peer's. */
    peer = connect_tcp();
    send_flags(&peer, RST | ACK);
    EQUAL(-ECONNRESET, mptcp_read(stack, peer.s, text, 1, 0));
    EQUAL(0, mptcp_read(stack, peer.s, text, 1, 0));
    EQUAL(-EPIPE, mptcp_write(stack, peer.s, "x", 1, 0));
    end();
}

static void timers_tcp(void)
{
    struct segment segment;
    begin("times of SYN, data and ACK");
    struct peer peer = open_ours(IPPROTO_TCP, &segment);
    EQUAL(START + 1000 * MS, mptcp_next_timer(stack));

    /* One long step: each SYN leaves at its own time. */
    pass(8000 * MS);
    static const int expected[] = {1000, 3000, 7000};
    for (int i = 0; i < 3; i++) {
        CHECK(take(&segment));
        EQUAL(SYN, segment.flags);
        EQUAL(START + expected[i] * MS, out_at);
    }

    CHECK(nothing_left());
    mptcp_advance(stack, START);
    EQUAL(START + 15000 * MS, mptcp_next_timer(stack));
    struct segment answer = from(&peer, SYN | ACK);
    add_mss(&answer);
    put(1, &answer);
    peer.seq++;
    CHECK(take(&segment));
    mptcp_close(stack, peer.s);
    while (take(&segment))
        ;

    peer = connect_tcp();
    EQUAL(4, mptcp_write(stack, peer.s, "data", 4, 0));
    CHECK(take(&segment));
    int64_t sent = out_at;
    pass(3000 * MS);
    CHECK(take(&segment));
    EQUAL(4, segment.length);
    CHECK(out_at >= sent + 200 * MS && out_at <= sent + 1000 * MS);
    CHECK(take(&segment));

    /* After the quick ACKs of the beginning a single segment is acknowledged after 40 ms. */
    peer = connect_tcp();
    for (int i = 0; i < 20; i++) {
        send_text(&peer, "0123456789");
        while (take(&segment))
            ;
        pass(100 * MS);
        while (take(&segment))
            ;
    }

    send_text(&peer, "0123456789");
    CHECK(nothing_left());
    sent = now;
    pass(100 * MS);
    CHECK(take(&segment));
    EQUAL(sent + 40 * MS, out_at);
    end();
}

static void output_keeps(void)
{
    struct segment segment;
    uint8_t packet[100];
    int ifindex = -1;
    begin("a packet that does not fit stays");
    struct sockaddr_in place = at(THEIRS, PEER_PORT);
    int s = mptcp_socket(stack, AF_INET, SOCK_STREAM, 0);
    EQUAL(-EINPROGRESS, mptcp_connect(stack, s, (struct sockaddr *)&place, sizeof place));
    EQUAL(-EMSGSIZE, mptcp_output(stack, &ifindex, packet, 59, NULL));
    EQUAL(-EMSGSIZE, mptcp_output(stack, &ifindex, packet, 0, NULL));
    EQUAL(-1, ifindex);
    CHECK(take(&segment));
    EQUAL(SYN, segment.flags);
    CHECK(nothing_left());
    end();
}

static void interfaces(void)
{
    struct segment segment;
    struct sockaddr_in one = at(OURS, 0), strange = at(0x0a090909, 0), place = at(THEIRS, PEER_PORT);
    begin("interfaces down, up and away");
    EQUAL(-EEXIST, mptcp_if_add(stack, 3, (struct sockaddr *)&one, 24, 1500));
    EQUAL(-EINVAL, mptcp_if_add(stack, 0, (struct sockaddr *)&strange, 24, 1500));
    EQUAL(-EINVAL, mptcp_if_add(stack, 3, (struct sockaddr *)&strange, 33, 1500));
    EQUAL(-EINVAL, mptcp_if_add(stack, 3, (struct sockaddr *)&strange, 24, 100));
    EQUAL(-ENODEV, mptcp_if_up(stack, 9, 1));
    EQUAL(-ENODEV, mptcp_if_del(stack, 9, NULL));
    EQUAL(-EADDRNOTAVAIL, mptcp_if_del(stack, 1, (struct sockaddr *)&strange));
    struct peer peer = connect_tcp();
    EQUAL(0, mptcp_if_up(stack, 1, 0));
    EQUAL(4, mptcp_write(stack, peer.s, "lost", 4, 0));
    CHECK(nothing_left());
    int64_t drops = mptcp_drops(stack);
    send_flags(&peer, ACK);
    EQUAL(drops + 1, mptcp_drops(stack));
    EQUAL(0, mptcp_if_up(stack, 1, 1));
    pass(2000 * MS);
    CHECK(take(&segment));
    EQUAL(4, segment.length);

    /* The route goes by the prefix, and by what is up. */
    int s = mptcp_socket(stack, AF_INET, SOCK_STREAM, 0);
    place = at(THEIRS_TOO, PEER_PORT);
    mptcp_connect(stack, s, (struct sockaddr *)&place, sizeof place);
    do
        CHECK(take(&segment));
    while (segment.flags != SYN);
    EQUAL(2, out_ifindex);
    EQUAL(OURS_TOO, segment.source);
    mptcp_close(stack, s);
    EQUAL(0, mptcp_if_del(stack, 2, NULL));
    EQUAL(0, mptcp_if_up(stack, 1, 0));
    s = mptcp_socket(stack, AF_INET, SOCK_STREAM, 0);
    EQUAL(-ENETUNREACH, mptcp_connect(stack, s, (struct sockaddr *)&place, sizeof place));
    end();
}

/* ---- Multipath TCP ---- */

static void active_mptcp(void)
{
    struct segment segment;
    begin("active handshake of Multipath TCP, data both ways, DATA_FIN");
    struct peer peer = open_ours(262, &segment);
    const uint8_t *capable = mptcp_option_of(&segment, MP_CAPABLE);
    CHECK(capable != NULL);
    EQUAL(4, capable[1]);
    EQUAL(1, capable[2] & 15);
    EQUAL(1, capable[3]);
    struct segment answer = from(&peer, SYN | ACK);
    uint64_t theirs = THEIR_KEY;
    add_mss(&answer);
    add_capable(&answer, 1, &theirs, NULL);
    put(1, &answer);
    peer.seq++;
    CHECK(take(&segment));
    capable = mptcp_option_of(&segment, MP_CAPABLE);
    CHECK(capable != NULL);
    EQUAL(20, capable[1]);
    EQUAL(OUR_KEY, get64(capable + 4));
    EQUAL(THEIR_KEY, get64(capable + 12));
    peer.data = idsn_of(THEIR_KEY) + 1;
    peer.data_ack = idsn_of(OUR_KEY) + 1;

    /* The first data in MP_CAPABLE's form, what follows with 64-bit DSS. */
    EQUAL(5, mptcp_write(stack, peer.s, "first", 5, 0));
    CHECK(take_data(&peer, &segment));
    capable = mptcp_option_of(&segment, MP_CAPABLE);
    CHECK(capable != NULL);
    EQUAL(22, capable[1]);
    EQUAL(5, capable[20] << 8 | capable[21]);
    send_data_ack(&peer);
    EQUAL(1, option_of_socket(peer.s, SOL_TCP, 43));
    EQUAL(6, mptcp_write(stack, peer.s, "second", 6, 0));
    CHECK(take(&segment));
    const uint8_t *dss = mptcp_option_of(&segment, DSS);
    CHECK(dss != NULL);
    CHECK(dss[3] & 4);
    CHECK(dss[3] & 8);
    EQUAL(peer.data_ack, get64(dss + dss[1] - 14));
    EQUAL(6, get32(dss + dss[1] - 6));
    EQUAL(6, dss[dss[1] - 2] << 8 | dss[dss[1] - 1]);
    peer.ack += 6;
    peer.data_ack += 6;
    send_mapped(&peer, "answer", -1);
    char text[16];
    EQUAL(6, read_text(peer.s, text, sizeof text));
    CHECK(take(&segment));
    dss = mptcp_option_of(&segment, DSS);
    CHECK(dss != NULL);
    EQUAL(peer.data, dss[3] & 2 ? get64(dss + 4) : (peer.data & ~0xffffffffull) | get32(dss + 4));

    /* A close is a DATA_FIN, and FINs when both are acknowledged. */
    EQUAL(0, mptcp_close(stack, peer.s));
    CHECK(take(&segment));
    EQUAL(0, segment.flags & FIN);
    dss = mptcp_option_of(&segment, DSS);
    CHECK(dss != NULL);
    CHECK(dss[3] & 16);
    peer.data_ack++;
    struct segment fin = from(&peer, ACK);
    add_dss(&fin, &peer, 0, true, -1);
    put(1, &fin);
    bool finished = false;
    while (take(&segment))
        finished |= (segment.flags & FIN) != 0;
    CHECK(finished);
    peer.ack++;
    send_flags(&peer, FIN | ACK);
    CHECK(take(&segment));
    EQUAL(peer.seq, segment.ack);
    end();
}

static struct peer accept_mptcp(uint16_t port)
{
    struct segment segment;
    int waiting = listen_at(port, 262);
    struct peer peer = {.address = THEIRS, .port = 4000, .our_address = OURS, .our_port = port, .seq = PEER_ISN, .s = -1};
    struct segment made = from(&peer, SYN);
    uint64_t theirs = THEIR_KEY, ours = OUR_KEY;
    add_mss(&made);
    add_capable(&made, 1, NULL, NULL);
    put(1, &made);
    peer.seq++;
    if (!take(&segment))
        return peer;
    const uint8_t *capable = mptcp_option_of(&segment, MP_CAPABLE);
    if (capable == NULL || capable[1] != 12 || get64(capable + 4) != OUR_KEY)
        return peer;
    peer.ack = segment.seq + 1;
    made = from(&peer, ACK);
    add_capable(&made, 1, &theirs, &ours);
    put(1, &made);
    peer.data = idsn_of(THEIR_KEY) + 1;
    peer.data_ack = idsn_of(OUR_KEY) + 1;
    send_data_ack(&peer);
    peer.s = mptcp_accept(stack, waiting, NULL, NULL, 0);
    return peer;
}

static void passive_mptcp(void)
{
    struct segment segment;
    char text[16];
    begin("passive handshake of Multipath TCP");
    struct peer peer = accept_mptcp(7001);
    CHECK(peer.s >= 0);
    EQUAL(1, option_of_socket(peer.s, SOL_TCP, 43));
    send_mapped(&peer, "hello", -1);
    EQUAL(5, read_text(peer.s, text, sizeof text));
    CHECK(take(&segment));
    CHECK(mptcp_option_of(&segment, DSS) != NULL);
    unsigned char info[96];
    socklen_t length = sizeof info;
    EQUAL(0, mptcp_getsockopt(stack, peer.s, 284, 1, info, &length));
    EQUAL(96, length);
    uint32_t token;
    memcpy(&token, info + 12, 4);
    EQUAL(token_of(OUR_KEY), token);
    end();
}

/* Adds a MP_JOIN of the third ACK with our HMAC as the peer's joiner; `salt` damages it. */
static void add_join_ack(struct segment *segment, uint32_t ours, uint32_t theirs, uint8_t salt)
{
    uint8_t option[24] = {OPT_MPTCP, 24, MP_JOIN << 4, 0}, nonces[8], digest[32];
    put32(nonces, theirs);
    put32(nonces + 4, ours);
    hmac(THEIR_KEY, OUR_KEY, nonces, sizeof nonces, digest);
    memcpy(option + 4, digest, 20);
    option[7] ^= salt;
    add_option(segment, option);
}

static void passive_join(void)
{
    begin("joins of the peer, one genuine and one forged");
    mptcp_limits(stack, 2, 0);
    struct peer first = accept_mptcp(7002);
    CHECK(first.s >= 0);
    struct segment segment;
    while (take(&segment))
        ;
    for (uint8_t salt = 0; salt < 2; salt++) {
        struct peer peer = {.address = THEIRS_TOO, .port = (uint16_t)(4100 + salt), .our_address = OURS, .our_port = 7002, .seq = PEER_ISN};
        struct segment made = from(&peer, SYN);
        uint8_t join[12] = {OPT_MPTCP, 12, MP_JOIN << 4, 5};
        put32(join + 4, token_of(OUR_KEY));
        put32(join + 8, 0xabcdef01);
        add_mss(&made);
        add_option(&made, join);
        put(1, &made);
        peer.seq++;
        CHECK(take(&segment));
        EQUAL(SYN | ACK, segment.flags);
        const uint8_t *answer = mptcp_option_of(&segment, MP_JOIN);
        CHECK(answer != NULL);
        EQUAL(16, answer[1]);
        uint32_t nonce = get32(answer + 12);
        uint8_t nonces[8], digest[32];
        put32(nonces, nonce);
        put32(nonces + 4, 0xabcdef01);
        hmac(OUR_KEY, THEIR_KEY, nonces, sizeof nonces, digest);
        CHECK(memcmp(digest, answer + 4, 8) == 0);
        peer.ack = segment.seq + 1;
        made = from(&peer, ACK);
        add_join_ack(&made, nonce, 0xabcdef01, salt);
        put(1, &made);
        CHECK(take(&segment));
        if (salt == 0) {
            EQUAL(ACK, segment.flags);
            unsigned char info[96];
            socklen_t length = sizeof info;
            mptcp_getsockopt(stack, first.s, 284, 1, info, &length);
            EQUAL(1, info[0]);
        } else {
            CHECK(segment.flags & RST);
        }
    }

    /* A token that no connection has is answered with a RST. */
    struct peer peer = {.address = THEIRS_TOO, .port = 4200, .our_address = OURS, .our_port = 7002, .seq = PEER_ISN};
    struct segment made = from(&peer, SYN);
    uint8_t join[12] = {OPT_MPTCP, 12, MP_JOIN << 4, 5};
    put32(join + 4, token_of(OUR_KEY) + 1);
    add_option(&made, join);
    put(1, &made);
    CHECK(take(&segment));
    CHECK(segment.flags & RST);
    const uint8_t *reason = mptcp_option_of(&segment, MP_TCPRST);
    CHECK(reason != NULL);
    EQUAL(1, reason[3]);
    end();
}

static int add_endpoint(uint32_t address, unsigned flags, int id)
{
    struct mptcp_endpoint endpoint = {.size = sizeof endpoint, .flags = flags, .id = (uint8_t)id};
    struct sockaddr_in place = at(address, 0);
    memcpy(&endpoint.addr, &place, sizeof place);
    return mptcp_endpoint_add(stack, &endpoint);
}

/* Answers the SYN of our join that `syn` is; the subflow is established by our fourth ACK. */
static bool answer_join(struct peer *peer, const struct segment *syn)
{
    struct segment segment, made;
    const uint8_t *join = mptcp_option_of(syn, MP_JOIN);
    if (join == NULL || join[1] != 12 || get32(join + 4) != token_of(THEIR_KEY))
        return false;
    *peer = (struct peer){
        .address = syn->destination, .port = syn->destination_port, .our_address = syn->source, .our_port = syn->source_port,
        .seq = PEER_ISN, .ack = syn->seq + 1, .data = peer->data, .data_ack = peer->data_ack, .s = peer->s,
    };
    uint8_t nonces[8], digest[32], answer[16] = {OPT_MPTCP, 16, MP_JOIN << 4, 0};
    put32(nonces, 0x01020304);
    put32(nonces + 4, get32(join + 8));
    hmac(THEIR_KEY, OUR_KEY, nonces, sizeof nonces, digest);
    memcpy(answer + 4, digest, 8);
    put32(answer + 12, 0x01020304);
    made = from(peer, SYN | ACK);
    add_mss(&made);
    add_option(&made, answer);
    put(2, &made);
    peer->seq++;
    if (!take(&segment))
        return false;
    const uint8_t *third = mptcp_option_of(&segment, MP_JOIN);
    put32(nonces, get32(join + 8));
    put32(nonces + 4, 0x01020304);
    hmac(OUR_KEY, THEIR_KEY, nonces, sizeof nonces, digest);
    if (third == NULL || third[1] != 24 || memcmp(third + 4, digest, 20) != 0)
        return false;
    made = from(peer, ACK);
    add_dss(&made, peer, 0, false, -1);
    put(2, &made);
    return true;
}

static void active_join(void)
{
    struct segment segment;
    begin("a join of ours from an endpoint, MP_PRIO both ways, REMOVE_ADDR");
    struct peer peer = connect_mptcp(1, true);
    CHECK(nothing_left());
    EQUAL(7, add_endpoint(OURS_TOO, MPTCP_ENDPOINT_SUBFLOW, 7));
    EQUAL(-EEXIST, add_endpoint(OURS_TOO, MPTCP_ENDPOINT_SUBFLOW, 8));
    EQUAL(-EADDRNOTAVAIL, add_endpoint(THEIRS, MPTCP_ENDPOINT_SUBFLOW, 0));
    EQUAL(-EINVAL, add_endpoint(OURS, MPTCP_ENDPOINT_SIGNAL | MPTCP_ENDPOINT_FULLMESH, 0));
    CHECK(take(&segment));
    EQUAL(SYN, segment.flags);
    EQUAL(2, out_ifindex);
    EQUAL(OURS_TOO, segment.source);
    EQUAL(THEIRS, segment.destination);
    struct peer second = peer;
    CHECK(answer_join(&second, &segment));
    while (take(&segment))
        ;

    /* MP_PRIO of ours. */
    EQUAL(0, mptcp_endpoint_change(stack, 7, MPTCP_ENDPOINT_BACKUP));
    CHECK(take(&segment));
    const uint8_t *priority = mptcp_option_of(&segment, MP_PRIO);
    CHECK(priority != NULL);
    EQUAL(1, priority[2] & 1);
    EQUAL(OURS_TOO, segment.source);

    /* MP_PRIO of the peer's, as an event. */
    struct mptcp_event events[32];
    mptcp_events(stack, events, 32);
    struct segment made = from(&second, ACK);
    uint8_t backup[4] = {OPT_MPTCP, 3, MP_PRIO << 4 | 1};
    add_option(&made, backup);
    put(2, &made);
    int count = mptcp_events(stack, events, 32);
    bool told = false;
    for (int i = 0; i < count; i++)
        told |= events[i].type == MPTCP_EVENT_SUB_PRIORITY && events[i].backup == 1 && events[i].ifindex == 2;
    CHECK(told);

    /* An endpoint that goes is removed, and its subflow closed. */
    while (take(&segment))
        ;
    EQUAL(0, mptcp_endpoint_del(stack, 7));
    EQUAL(-EINVAL, mptcp_endpoint_del(stack, 7));
    bool removed = false, closed = false;
    while (take(&segment)) {
        const uint8_t *option = mptcp_option_of(&segment, REMOVE_ADDR);
        removed |= option != NULL && option[3] == 7;
        closed |= segment.source == OURS_TOO && (segment.flags & FIN) != 0;
    }

    CHECK(removed);
    CHECK(closed);
    end();
}

static void announcements(void)
{
    struct segment segment;
    begin("ADD_ADDR of ours, its echo, and one of the peer's");
    struct peer peer = connect_mptcp(1, true);
    CHECK(nothing_left());
    EQUAL(9, add_endpoint(OURS_TOO, MPTCP_ENDPOINT_SIGNAL, 9));
    CHECK(take(&segment));
    const uint8_t *added = mptcp_option_of(&segment, ADD_ADDR);
    CHECK(added != NULL);
    CHECK(mptcp_option_of(&segment, DSS) == NULL);
    EQUAL(16, added[1]);
    EQUAL(0, added[2] & 1);
    EQUAL(9, added[3]);
    EQUAL(OURS_TOO, get32(added + 4));
    uint8_t message[7] = {9}, digest[32];
    put32(message + 1, OURS_TOO);
    hmac(OUR_KEY, THEIR_KEY, message, sizeof message, digest);
    CHECK(memcmp(digest + 24, added + 8, 8) == 0);

    /* It goes again until it is echoed. */
    pass(5000 * MS);
    int repeats = 0;
    while (take(&segment))
        repeats += mptcp_option_of(&segment, ADD_ADDR) != NULL;
    CHECK(repeats > 0);
    struct segment made = from(&peer, ACK);
    uint8_t echo[8] = {OPT_MPTCP, 8, ADD_ADDR << 4 | 1, 9};
    put32(echo + 4, OURS_TOO);
    add_option(&made, echo);
    put(1, &made);
    pass(60000 * MS);
    while (take(&segment))
        CHECK(mptcp_option_of(&segment, ADD_ADDR) == NULL);

    /* One of the peer's is echoed, and within the limits joined. */
    EQUAL(-EINVAL, mptcp_limits(stack, 9, 0));
    EQUAL(0, mptcp_limits(stack, 2, 1));
    made = from(&peer, ACK);
    uint8_t theirs[16] = {OPT_MPTCP, 16, ADD_ADDR << 4, 3};
    put32(theirs + 4, THEIRS_TOO);
    message[0] = 3;
    put32(message + 1, THEIRS_TOO);
    hmac(THEIR_KEY, OUR_KEY, message, sizeof message, digest);
    memcpy(theirs + 8, digest + 24, 8);
    add_option(&made, theirs);
    put(1, &made);
    bool echoed = false, joined = false;
    while (take(&segment)) {
        const uint8_t *option = mptcp_option_of(&segment, ADD_ADDR);
        echoed |= option != NULL && (option[2] & 1) == 1 && option[3] == 3;
        joined |= segment.flags == SYN && segment.destination == THEIRS_TOO;
    }

    CHECK(echoed);
    CHECK(joined);
    end();
}

static void fast_close(void)
{
    struct segment segment;
    char text[8];
    begin("MP_FASTCLOSE both ways");
    struct peer peer = connect_mptcp(1, true);
    send_mapped(&peer, "unread", -1);
    while (take(&segment))
        ;
    mptcp_close(stack, peer.s);
    CHECK(take(&segment));
    const uint8_t *option = mptcp_option_of(&segment, MP_FASTCLOSE);
    CHECK(option != NULL);
    CHECK(segment.flags & ACK);
    EQUAL(THEIR_KEY, get64(option + 4));

    mptcp_stack_free(stack);
    begin(current);
    peer = connect_mptcp(1, true);
    struct segment made = from(&peer, ACK);
    uint8_t close[12] = {OPT_MPTCP, 12, MP_FASTCLOSE << 4, 0};
    put64(close + 4, OUR_KEY);
    add_option(&made, close);
    put(1, &made);
    CHECK(take(&segment));
    CHECK(segment.flags & RST);
    EQUAL(-ECONNRESET, mptcp_read(stack, peer.s, text, 1, 0));
    end();
}

static void checksums(void)
{
    struct segment segment;
    char text[16];
    begin_with("checksums, right and wrong", (struct mptcp_config){.checksum = MPTCP_CHECKSUM_REQUIRED});
    struct peer peer = open_ours(262, &segment);
    const uint8_t *capable = mptcp_option_of(&segment, MP_CAPABLE);
    CHECK(capable != NULL);
    EQUAL(0x81, capable[3]);
    mptcp_stack_free(stack);
    begin_with(current, (struct mptcp_config){.checksum = MPTCP_CHECKSUM_REQUIRED});
    peer = connect_mptcp(0x81, true);
    while (take(&segment))
        ;
    EQUAL(5, mptcp_write(stack, peer.s, "right", 5, 0));
    CHECK(take_data(&peer, &segment));
    const uint8_t *dss = mptcp_option_of(&segment, DSS);
    capable = mptcp_option_of(&segment, MP_CAPABLE);
    CHECK(dss != NULL || capable != NULL);
    const uint8_t *option = dss != NULL ? dss : capable;
    uint16_t expected = dss_checksum(idsn_of(OUR_KEY) + 1, 1, 5, segment.payload);
    EQUAL(expected, option[option[1] - 2] << 8 | option[option[1] - 1]);
    send_data_ack(&peer);

    send_mapped(&peer, "good", dss_checksum(peer.data, peer.seq - PEER_ISN, 4, (const uint8_t *)"good"));
    EQUAL(4, read_text(peer.s, text, sizeof text));
    while (take(&segment))
        ;

    /* A wrong one on the only subflow is answered with MP_FAIL. */
    send_mapped(&peer, "evil", dss_checksum(peer.data, peer.seq - PEER_ISN, 4, (const uint8_t *)"good"));
    EQUAL(-EAGAIN, read_text(peer.s, text, sizeof text));
    bool failed = false;
    while (take(&segment))
        failed |= mptcp_option_of(&segment, MP_FAIL) != NULL;
    CHECK(failed);
    end();
}

static void fallbacks(void)
{
    struct segment segment;
    struct mptcp_event events[16];
    char text[16];
    begin("fallback at each step");

    /* A SYN/ACK without the option. */
    struct peer peer = open_ours(262, &segment);
    struct segment made = from(&peer, SYN | ACK);
    add_mss(&made);
    put(1, &made);
    peer.seq++;
    CHECK(take(&segment));
    CHECK(option_of(&segment, OPT_MPTCP) == NULL);
    EQUAL(0, option_of_socket(peer.s, SOL_TCP, 43));
    send_text(&peer, "plain");
    EQUAL(5, read_text(peer.s, text, sizeof text));
    int count = mptcp_events(stack, events, 16);
    bool told = false;
    for (int i = 0; i < count; i++)
        told |= events[i].type == MPTCP_EVENT_FALLBACK && events[i].code == 101;
    CHECK(told);
    mptcp_close(stack, peer.s);
    while (take(&segment))
        ;

    /* First data of the peer without DSS. */
    peer = connect_mptcp(1, false);
    send_text(&peer, "plain");
    EQUAL(5, read_text(peer.s, text, sizeof text));
    EQUAL(0, option_of_socket(peer.s, SOL_TCP, 43));
    mptcp_close(stack, peer.s);
    while (take(&segment))
        ;
    end();

    /* A third ACK without the option. */
    begin("fallback of a server");
    int waiting = listen_at(7003, 262);
    peer = (struct peer){.address = THEIRS, .port = 4000, .our_address = OURS, .our_port = 7003, .seq = PEER_ISN};
    made = from(&peer, SYN);
    add_mss(&made);
    add_capable(&made, 1, NULL, NULL);
    put(1, &made);
    peer.seq++;
    CHECK(take(&segment));
    peer.ack = segment.seq + 1;
    send_flags(&peer, ACK);
    peer.s = mptcp_accept(stack, waiting, NULL, NULL, 0);
    CHECK(peer.s >= 0);
    send_text(&peer, "plain");
    EQUAL(5, read_text(peer.s, text, sizeof text));
    EQUAL(4, mptcp_write(stack, peer.s, "also", 4, 0));
    do
        CHECK(take(&segment));
    while (segment.length == 0);
    CHECK(mptcp_option_of(&segment, DSS) == NULL);
    end();

    /* Later data without DSS: the data goes on, and the peer is told by an infinite mapping. */
    begin("fallback later");
    peer = connect_mptcp(1, true);
    while (take(&segment))
        ;
    send_mapped(&peer, "mapped", -1);
    EQUAL(6, read_text(peer.s, text, sizeof text));
    while (take(&segment))
        ;
    send_text(&peer, "bare");
    EQUAL(4, read_text(peer.s, text, sizeof text));
    while (take(&segment))
        ;
    EQUAL(4, mptcp_write(stack, peer.s, "told", 4, 0));
    CHECK(take(&segment));
    const uint8_t *dss = mptcp_option_of(&segment, DSS);
    CHECK(dss != NULL);
    EQUAL(0, dss[dss[1] - 2] << 8 | dss[dss[1] - 1]);
    end();

    /* An infinite mapping of the peer's. */
    begin("fallback by an infinite mapping");
    peer = connect_mptcp(1, true);
    send_mapped(&peer, "mapped", -1);
    EQUAL(6, read_text(peer.s, text, sizeof text));
    made = from(&peer, ACK | PSH);
    add_payload(&made, "endless");
    add_dss(&made, &peer, peer.seq - PEER_ISN, false, -1);
    made.options[made.options_length - 2] = made.options[made.options_length - 1] = 0;
    put(1, &made);
    EQUAL(7, read_text(peer.s, text, sizeof text));
    EQUAL(0, option_of_socket(peer.s, SOL_TCP, 43));
    end();
}

static void bad_input(void)
{
    uint8_t garbage[200];
    char text[16];
    int value = 0;
    socklen_t length = sizeof value;
    struct sockaddr_in place = at(THEIRS, PEER_PORT);
    begin("bad input");
    errno = 0;
    CHECK(mptcp_stack_new(NULL) == NULL);
    EQUAL(EFAULT, errno);
    struct mptcp_config config = {.size = 2};
    CHECK(mptcp_stack_new(&config) == NULL);
    EQUAL(EINVAL, errno);
    config = (struct mptcp_config){.size = sizeof config, .version = 2};
    CHECK(mptcp_stack_new(&config) == NULL);
    EQUAL(EPROTONOSUPPORT, errno);
    config = (struct mptcp_config){.size = sizeof config, .congestion = "nonsense"};
    CHECK(mptcp_stack_new(&config) == NULL);
    EQUAL(ENOENT, errno);
    config = (struct mptcp_config){.size = sizeof config, .scheduler = "nonsense"};
    CHECK(mptcp_stack_new(&config) == NULL);
    EQUAL(ENOENT, errno);
    config = (struct mptcp_config){.size = sizeof config, .checksum = 7};
    CHECK(mptcp_stack_new(&config) == NULL);
    config = (struct mptcp_config){.size = sizeof config, .flags = 64};
    CHECK(mptcp_stack_new(&config) == NULL);
    config = (struct mptcp_config){.size = sizeof config, .clock_start_us = -1};
    CHECK(mptcp_stack_new(&config) == NULL);
    config = (struct mptcp_config){.size = 8};
    mptcp_stack *old = mptcp_stack_new(&config);
    CHECK(old != NULL);
    mptcp_stack_free(old);
    mptcp_stack_free(NULL);

    EQUAL(-EFAULT, mptcp_socket(NULL, AF_INET, SOCK_STREAM, 0));
    EQUAL(-EFAULT, mptcp_input(NULL, 1, garbage, 10));
    EQUAL(-EFAULT, mptcp_output(NULL, NULL, garbage, 10, NULL));
    EQUAL(-EFAULT, mptcp_events(NULL, NULL, 0));
    EQUAL(-EFAULT, mptcp_if_add(stack, 1, NULL, 24, 1500));
    EQUAL(-EFAULT, mptcp_input(stack, 1, NULL, 10));
    EQUAL(-ENODEV, mptcp_input(stack, 9, garbage, 10));
    EQUAL(-EMSGSIZE, mptcp_input(stack, 1, garbage, 70000));
    EQUAL(-EFAULT, mptcp_output(stack, NULL, NULL, 10, NULL));
    EQUAL(-EFAULT, mptcp_endpoint_add(stack, NULL));
    struct mptcp_endpoint endpoint = {.size = 3};
    EQUAL(-EINVAL, mptcp_endpoint_add(stack, &endpoint));
    EQUAL(-EINVAL, mptcp_endpoint_change(stack, 300, 0));
    EQUAL(-EFAULT, mptcp_events(stack, NULL, 3));
    EQUAL(-EINVAL, mptcp_events(stack, NULL, -1));
    EQUAL(0, mptcp_events(stack, NULL, 0));

    static const int strange[] = {-1, 0, 2, 3, 77, 1 << 30};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        int s = strange[i];
        EQUAL(-EBADF, mptcp_bind(stack, s, (struct sockaddr *)&place, sizeof place));
        EQUAL(-EBADF, mptcp_connect(stack, s, (struct sockaddr *)&place, sizeof place));
        EQUAL(-EBADF, mptcp_listen(stack, s, 1));
        EQUAL(-EBADF, mptcp_accept(stack, s, NULL, NULL, 0));
        EQUAL(-EBADF, mptcp_read(stack, s, text, 1, 0));
        EQUAL(-EBADF, mptcp_write(stack, s, text, 1, 0));
        EQUAL(-EBADF, mptcp_readv(stack, s, NULL, 0, 0));
        EQUAL(-EBADF, mptcp_writev(stack, s, NULL, 0, 0));
        EQUAL(-EBADF, mptcp_recvmsg(stack, s, NULL, 0));
        EQUAL(-EBADF, mptcp_sendmsg(stack, s, NULL, 0));
        EQUAL(-EBADF, mptcp_shutdown(stack, s, 1));
        EQUAL(-EBADF, mptcp_close(stack, s));
        EQUAL(-EBADF, mptcp_getsockname(stack, s, NULL, NULL));
        EQUAL(-EBADF, mptcp_getpeername(stack, s, NULL, NULL));
        EQUAL(-EBADF, mptcp_getsockopt(stack, s, 1, 4, &value, &length));
        EQUAL(-EBADF, mptcp_setsockopt(stack, s, 1, 4, &value, sizeof value));
        EQUAL(-EBADF, mptcp_ioctl(stack, s, 0x541b, &value));
        EQUAL(-EBADF, mptcp_poll_mask(stack, s));
    }

    /* Packets of any bytes are dropped and counted. */
    uint32_t state = 1;
    int64_t before = mptcp_drops(stack);
    for (int i = 0; i < 2000; i++) {
        for (size_t at = 0; at < sizeof garbage; at++) {
            state = state * 1664525 + 1013904223;
            garbage[at] = (uint8_t)(state >> 24);
        }

        garbage[0] = i % 2 ? 0x45 : 0x60;
        EQUAL(0, mptcp_input(stack, 1, garbage, state % sizeof garbage));
    }

    EQUAL(before + 2000, mptcp_drops(stack));
    EQUAL(MPTCP_ABI_VERSION, mptcp_abi_version());
    end();
}

int main(void)
{
    static void (*const tests[])(void) = {
        active_tcp, passive_tcp, simultaneous_tcp, close_orders_tcp, timers_tcp, output_keeps, interfaces, active_mptcp,
        passive_mptcp, passive_join, active_join, announcements, fast_close, checksums, fallbacks, bad_input,
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tests[i]();
        if (stack != NULL) {
            mptcp_stack_free(stack);
            stack = NULL;
        }
    }

    return failures == 0 ? 0 : 1;
}
