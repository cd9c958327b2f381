/*
 * Random sequences of calls, valid and not, on two stacks whose packets cross a path that loses, delays and damages them:
 * random_calls FIRST COUNT. None may crash or hang, and when all sockets are closed the stacks come to rest: no timer is
 * left, and nothing more leaves. Each sequence is run twice, and gives the same packets twice. Exit 0 when all is well;
 * else the seed of the first that was not, and why.
 */
#define _GNU_SOURCE
#include "mptcp.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 300, WAITING = 256, PACKET = 2048, HOURS_US = 3600 };

struct flight { int to, ifindex; size_t length; uint8_t bytes[PACKET]; };

static mptcp_stack *stacks[2];
static struct flight flights[WAITING];
static int flying;
static int64_t now;
static uint64_t dice;
static uint64_t hash;
static bool calm;

static uint32_t roll(uint32_t below)
{
    dice = dice * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(dice >> 33) % below;
}

static void mix(const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211ull;
}

static struct sockaddr_in address(int host, int path, int port)
{
    struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    made.sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)path * 256 + (uint32_t)host);
    return made;
}

/* What has left takes off; of full air the oldest falls down. */
static void launch(int host)
{
    struct flight *next = &flights[flying];
    int64_t left_at = 0;
    ssize_t length;
    while ((length = mptcp_output(stacks[host], &next->ifindex, next->bytes, PACKET, &left_at)) > 0) {
        mix(next->bytes, (size_t)length);
        mix(&left_at, sizeof left_at);
        if (!calm && roll(20) == 0)
            continue;
        next->to = !host;
        next->length = (size_t)length;
        if (!calm && roll(50) == 0)
            next->bytes[roll((uint32_t)length)] ^= (uint8_t)(1 + roll(255));
        if (flying < WAITING - 1)
            flying++;
        next = &flights[flying];
    }
}

static void land(void)
{
    launch(0);
    launch(1);
    int landing = flying < 16 ? flying : 16;
    for (int i = 0; i < landing; i++) {
        int which = calm ? 0 : (int)roll((uint32_t)(flying < 3 ? flying : 3));
        struct flight one = flights[which];
        memmove(&flights[which], &flights[which + 1], (size_t)(flying - which - 1) * sizeof one);
        flying--;
        mptcp_input(stacks[one.to], one.ifindex, one.bytes, one.length);
        if (!calm && roll(40) == 0)
            mptcp_input(stacks[one.to], one.ifindex, one.bytes, roll((uint32_t)one.length + 1));
    }
}

static void pass(int64_t us)
{
    now += us;
    mptcp_advance(stacks[0], now);
    mptcp_advance(stacks[1], now);
}

static int any_socket(void) { return (int)roll(14); }

static void any_option(mptcp_stack *stack, int s)
{
    static const int levels[] = {SOL_SOCKET, 6, 0, 41, 284, 7};
    uint8_t value[300];
    socklen_t length = roll(8) == 0 ? roll(300) : 4;
    int level = levels[roll(6)];
    int name = (int)roll(roll(4) == 0 ? 300 : 45);
    memset(value, 0, sizeof value);
    value[0] = (uint8_t)roll(256);
    value[1] = (uint8_t)roll(4);
    if (roll(2) == 0) {
        mptcp_setsockopt(stack, s, level, name, value, length);
    } else {
        if (level == 284 && name == 4)
            memset(value, 0, sizeof value);
        mptcp_getsockopt(stack, s, level, name, value, &length);
    }
}

static void any_endpoint(int host)
{
    struct mptcp_endpoint endpoint = {.size = sizeof endpoint, .flags = roll(16), .id = (uint8_t)roll(5)};
    struct sockaddr_in place = address(host, (int)roll(3), roll(4) == 0 ? 5000 : 0);
    memcpy(&endpoint.addr, &place, sizeof place);
    switch (roll(4)) {
    case 0: mptcp_endpoint_add(stacks[host], &endpoint); break;
    case 1: mptcp_endpoint_del(stacks[host], (int)roll(6)); break;
    case 2: mptcp_endpoint_change(stacks[host], (int)roll(6), roll(16)); break;
    default: mptcp_limits(stacks[host], (int)roll(10) - 1, (int)roll(10) - 1); break;
    }
}

static void any_interface(int host)
{
    struct sockaddr_in place = address(host, (int)roll(3), 0);
    int ifindex = (int)roll(4);
    switch (roll(6)) {
    case 0: mptcp_if_up(stacks[host], ifindex, (int)roll(2)); break;
    case 1: mptcp_if_del(stacks[host], ifindex, (struct sockaddr *)&place); break;
    case 2: mptcp_if_del(stacks[host], ifindex, NULL); break;
    default:
        mptcp_if_add(stacks[host], 1 + (int)roll(2), (struct sockaddr *)&place, 24, roll(2) == 0 ? 1500 : 600);
        mptcp_if_up(stacks[host], ifindex, 1);
        break;
    }
}

static void any_transfer(mptcp_stack *stack, int s)
{
    static uint8_t bytes[20000];
    struct iovec pieces[3] = {{bytes, roll(3000)}, {bytes + 5000, roll(10)}, {bytes + 6000, roll(9000)}};
    uint8_t control[64];
    struct sockaddr_in place = address(0, 0, 80);
    struct msghdr message = {
        .msg_iov = pieces, .msg_iovlen = roll(4), .msg_control = control, .msg_controllen = roll(64), .msg_name = &place,
        .msg_namelen = sizeof place,
    };
    static const int flags[] = {0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_WAITALL, MSG_OOB, MSG_MORE, MSG_FASTOPEN, MSG_NOSIGNAL, -1};
    int flag = flags[roll(12)];
    switch (roll(8)) {
    case 0: mptcp_readv(stack, s, pieces, (int)roll(5) - 1, flag); break;
    case 1: mptcp_writev(stack, s, pieces, (int)roll(4), flag); break;
    case 2: mptcp_recvmsg(stack, s, &message, flag); break;
    case 3: mptcp_sendmsg(stack, s, &message, flag); break;
    case 4:
    case 5: mptcp_write(stack, s, bytes, roll(sizeof bytes), flag); break;
    default: mptcp_read(stack, s, bytes, roll(sizeof bytes), flag); break;
    }
}

static void any_call(int host)
{
    mptcp_stack *stack = stacks[host];
    int s = any_socket();
    struct sockaddr_in place = address(roll(4) == 0 ? host : !host, (int)roll(2), roll(2) == 0 ? 80 : 81);
    struct sockaddr_storage name;
    socklen_t length = roll(130);
    int value;
    switch (roll(22)) {
    case 0:
    case 1: mptcp_socket(stack, roll(8) == 0 ? (int)roll(20) : AF_INET, roll(8) == 0 ? (int)roll(20) : SOCK_STREAM, roll(2) == 0 ? 262 : 0); break;
    case 2:
        place = address(host, (int)roll(2), roll(3) == 0 ? 0 : 80);
        mptcp_bind(stack, s, (struct sockaddr *)&place, roll(8) == 0 ? roll(200) % 17 : sizeof place);
        break;
    case 3: mptcp_listen(stack, s, (int)roll(5) - 1); break;
    case 4:
    case 5: mptcp_accept(stack, s, (struct sockaddr *)&name, &length, 0); break;
    case 6:
    case 7: mptcp_connect(stack, s, (struct sockaddr *)&place, sizeof place); break;
    case 8: mptcp_shutdown(stack, s, (int)roll(5) - 1); break;
    case 9: mptcp_close(stack, s); break;
    case 10: mptcp_getsockname(stack, s, (struct sockaddr *)&name, &length); break;
    case 11: mptcp_getpeername(stack, s, (struct sockaddr *)&name, &length); break;
    case 12:
    case 13: any_option(stack, s); break;
    case 14: mptcp_ioctl(stack, s, roll(2) == 0 ? 0x541B : roll(70000), &value); break;
    case 15: mptcp_poll_mask(stack, s); break;
    case 16: any_endpoint(host); break;
    case 17: if (roll(3) == 0) any_interface(host); break;
    default: any_transfer(stack, s); break;
    }
}

static void begin(uint64_t seed)
{
    dice = seed * 0x9e3779b97f4a7c15ull + 1;
    hash = 14695981039346656037ull;
    flying = 0;
    calm = false;
    now = 0;
    for (int host = 0; host < 2; host++) {
        struct mptcp_config config = {
            .size = sizeof config, .seed = seed * 2 + (uint64_t)host, .checksum = (uint8_t)roll(2), .receive_buffer = roll(2) == 0 ? 8192 : 0,
            .memory = roll(4) == 0 ? 1000000 : 0,
        };
        stacks[host] = mptcp_stack_new(&config);
        for (int path = 0; path < 2; path++) {
            struct sockaddr_in place = address(host, path, 0);
            mptcp_if_add(stacks[host], 1 + path, (struct sockaddr *)&place, 24, 1500);
        }

        int listener = mptcp_socket(stacks[host], AF_INET, SOCK_STREAM, 262);
        struct sockaddr_in place = address(host, 0, 80);
        mptcp_bind(stacks[host], listener, (struct sockaddr *)&place, sizeof place);
        mptcp_listen(stacks[host], listener, 4);
    }
}

/* All is closed, the path is good again, and the stacks come to rest within hours of their own time. */
static const char *finish(void)
{
    static struct mptcp_event events[64];
    calm = true;
    for (int host = 0; host < 2; host++) {
        for (int s = 0; s < 64; s++)
            mptcp_close(stacks[host], s);
        mptcp_if_up(stacks[host], 1, 1);
        mptcp_if_up(stacks[host], 2, 1);
    }

    for (int turns = 0; turns < 200000; turns++) {
        int64_t one = mptcp_next_timer(stacks[0]), two = mptcp_next_timer(stacks[1]);
        int64_t next = one < two ? one : two;
        launch(0);
        launch(1);
        if (flying > 0) {
            land();
            pass(100);
            continue;
        }

        if (next == INT64_MAX) {
            while (mptcp_events(stacks[0], events, 64) > 0)
                ;
            while (mptcp_events(stacks[1], events, 64) > 0)
                ;
            return NULL;
        }

        if (next < 0)
            return "a fault of its own";
        if (next > now + 24ll * HOURS_US * 1000000)
            return "a timer beyond a day";
        pass(next > now ? next - now : 0);
    }

    return "no rest";
}

static const char *run(uint64_t seed)
{
    static struct mptcp_event events[8];
    begin(seed);
    for (int step = 0; step < STEPS; step++) {
        any_call((int)roll(2));
        if (roll(3) == 0)
            land();
        if (roll(4) == 0)
            pass(roll(10) == 0 ? roll(5000000) : roll(20000));
        if (roll(16) == 0)
            mptcp_events(stacks[roll(2)], events, (int)roll(8));
        if (mptcp_socket(stacks[0], 99, 1, 0) == -131 || mptcp_socket(stacks[1], 99, 1, 0) == -131)
            return "a fault of its own";
    }

    return finish();
}

int main(int count, char **arguments)
{
    uint64_t first = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    uint64_t runs = count > 2 ? strtoull(arguments[2], NULL, 10) : 200;
    for (uint64_t seed = first; seed < first + runs; seed++) {
        uint64_t hashes[2];
        for (int turn = 0; turn < 2; turn++) {
            const char *wrong = run(seed);
            hashes[turn] = hash;
            mptcp_stack_free(stacks[0]);
            mptcp_stack_free(stacks[1]);
            if (wrong != NULL) {
                printf("seed %llu: %s\n", (unsigned long long)seed, wrong);
                return 1;
            }
        }

        if (hashes[0] != hashes[1]) {
            printf("seed %llu: two runs with other packets\n", (unsigned long long)seed);
            return 1;
        }
    }

    printf("%llu sequences\n", (unsigned long long)runs);
    return 0;
}
