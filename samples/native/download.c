/*
 * A download of 10 MB over two paths, in virtual time: two stacks in one process, and between them paths that have a rate,
 * a delay and a queue. Shows all of the interface that a program needs: configuration, addresses, an endpoint, sockets, and
 * the loop that carries packets and lets time pass.
 *
 *     gcc download.c -o download -I ../../artifacts/native -L ../../artifacts/native -lmptcp
 *     LD_LIBRARY_PATH=../../artifacts/native ./download [--lose-path]
 *
 * With --lose-path the first path is cut after the first third, for good.
 */
#include <mptcp.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER, HOSTS };
enum { WIFI, LTE, PATHS };
enum { SIZE = 10000000, MTU = 1500, QUEUE = 200, PORT = 80 };

/* Bits per microsecond are Mbit/s. */
static const struct { const char *name; int64_t rate, delay_us; } properties[PATHS] = {
    {"wifi", 50, 10000},
    {"lte", 20, 30000},
};

/* One direction of one path: packets in the order in which they will arrive. */
struct direction {
    struct { int64_t arrives_us; size_t length; uint8_t bytes[MTU]; } packets[QUEUE];
    int     first, count;
    int64_t free_us; /* when the link has sent what it was given */
    long    carried;
};

static mptcp_stack *stacks[HOSTS];
static struct direction directions[HOSTS][PATHS]; /* by the host that sends */
static bool cut;
static int64_t now_us;

static void fail(const char *what, long result)
{
    fprintf(stderr, "%s: %s\n", what, strerror((int)-result));
    exit(1);
}

static struct sockaddr_in address(int host, int path, int port)
{
    struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    made.sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)path * 256 + (uint32_t)host); /* 10.0.PATH.HOST+1 */
    return made;
}

static mptcp_stack *make_host(int host)
{
    struct mptcp_config config = {.size = sizeof config, .seed = 1 + (uint64_t)host};
    mptcp_stack *stack = mptcp_stack_new(&config);
    if (stack == NULL) {
        perror("mptcp_stack_new");
        exit(1);
    }

    for (int path = 0; path < PATHS; path++) {
        struct sockaddr_in place = address(host, path, 0);
        int result = mptcp_if_add(stack, 1 + path, (struct sockaddr *)&place, 24, MTU);
        if (result < 0)
            fail("mptcp_if_add", result);
    }

    return stack;
}

/* The client opens a second subflow from its second address. */
static void use_second_path(mptcp_stack *client)
{
    struct mptcp_endpoint endpoint = {.size = sizeof endpoint, .flags = MPTCP_ENDPOINT_SUBFLOW};
    struct sockaddr_in place = address(CLIENT, LTE, 0);
    memcpy(&endpoint.addr, &place, sizeof place);
    int id = mptcp_endpoint_add(client, &endpoint);
    if (id < 0)
        fail("mptcp_endpoint_add", id);
}

/* What has left a stack enters its path, or is lost where the queue is full. */
static void carry(int host)
{
    uint8_t packet[MTU];
    int ifindex;
    int64_t left_us;
    ssize_t length;
    while ((length = mptcp_output(stacks[host], &ifindex, packet, sizeof packet, &left_us)) > 0) {
        struct direction *direction = &directions[host][ifindex - 1];
        if (direction->count == QUEUE || (cut && ifindex == 1))
            continue;
        int at = (direction->first + direction->count++) % QUEUE;
        int64_t begins = direction->free_us > left_us ? direction->free_us : left_us;
        direction->free_us = begins + length * 8 / properties[ifindex - 1].rate;
        direction->packets[at].arrives_us = direction->free_us + properties[ifindex - 1].delay_us;
        direction->packets[at].length = (size_t)length;
        memcpy(direction->packets[at].bytes, packet, (size_t)length);
    }
}

/* The next moment at which something happens: a packet arrives, or a stack has a timer. */
static int64_t next_moment(void)
{
    int64_t next = INT64_MAX;
    for (int host = 0; host < HOSTS; host++) {
        int64_t timer = mptcp_next_timer(stacks[host]);
        next = timer < next ? timer : next;
        for (int path = 0; path < PATHS; path++) {
            struct direction *direction = &directions[host][path];
            if (direction->count > 0 && direction->packets[direction->first].arrives_us < next)
                next = direction->packets[direction->first].arrives_us;
        }
    }

    return next;
}

static void arrive(int host, int path)
{
    struct direction *direction = &directions[host][path];
    while (direction->count > 0 && direction->packets[direction->first].arrives_us <= now_us) {
        size_t length = direction->packets[direction->first].length;
        if (!cut || path != WIFI) {
            mptcp_input(stacks[!host], 1 + path, direction->packets[direction->first].bytes, length);
            direction->carried += (long)length;
        }

        direction->first = (direction->first + 1) % QUEUE;
        direction->count--;
    }
}

static void step(void)
{
    for (int host = 0; host < HOSTS; host++)
        carry(host);
    now_us = next_moment();
    for (int host = 0; host < HOSTS; host++)
        mptcp_advance(stacks[host], now_us);
    for (int host = 0; host < HOSTS; host++) {
        for (int path = 0; path < PATHS; path++)
            arrive(host, path);
    }
}

/* Byte N of the file, which both ends know. */
static uint8_t byte_at(long n) { return (uint8_t)(n * 7 + (n >> 10)); }

static long serve(int socket, long sent)
{
    uint8_t piece[65536];
    while (sent < SIZE) {
        size_t length = SIZE - sent < (long)sizeof piece ? (size_t)(SIZE - sent) : sizeof piece;
        for (size_t i = 0; i < length; i++)
            piece[i] = byte_at(sent + (long)i);
        ssize_t written = mptcp_write(stacks[SERVER], socket, piece, length, 0);
        if (written <= 0)
            break;
        sent += written;
        if (sent == SIZE)
            mptcp_shutdown(stacks[SERVER], socket, SHUT_WR);
    }

    return sent;
}

/* Reads what is there; -1 when a byte is not the one that was sent. */
static long receive(int socket, long received, bool *ended)
{
    uint8_t piece[65536];
    ssize_t count;
    while ((count = mptcp_read(stacks[CLIENT], socket, piece, sizeof piece, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            if (piece[i] != byte_at(received + i))
                return -1;
        }

        received += count;
    }

    *ended = count == 0;
    return received;
}

int main(int count, char **arguments)
{
    bool lose = count > 1 && strcmp(arguments[1], "--lose-path") == 0;
    if (count > 2 || (count == 2 && !lose)) {
        fprintf(stderr, "usage: download [--lose-path]\n");
        return 2;
    }

    for (int host = 0; host < HOSTS; host++)
        stacks[host] = make_host(host);
    use_second_path(stacks[CLIENT]);

    int listener = mptcp_socket(stacks[SERVER], AF_INET, SOCK_STREAM, 262); /* IPPROTO_MPTCP */
    struct sockaddr_in place = address(SERVER, WIFI, PORT);
    int result = mptcp_bind(stacks[SERVER], listener, (struct sockaddr *)&place, sizeof place);
    if (result == 0)
        result = mptcp_listen(stacks[SERVER], listener, 1);
    int client = mptcp_socket(stacks[CLIENT], AF_INET, SOCK_STREAM, 262);
    if (result == 0)
        result = mptcp_connect(stacks[CLIENT], client, (struct sockaddr *)&place, sizeof place);
    if (result != -115) /* EINPROGRESS */
        fail("connect", result);

    int server = -1;
    long sent = 0, received = 0;
    bool ended = false, asked = false;
    while (!ended && received >= 0 && now_us < 600000000) {
        step();
        if (!asked)
            asked = mptcp_write(stacks[CLIENT], client, "file, please", 12, 0) == 12;
        if (server < 0)
            server = mptcp_accept(stacks[SERVER], listener, NULL, NULL, 0);
        if (server >= 0)
            sent = serve(server, sent);
        received = receive(client, received, &ended);
        cut = cut || (lose && received > SIZE / 3);
    }

    if (!ended || received != SIZE) {
        fprintf(stderr, "download: %ld of %d bytes arrived\n", received, SIZE);
        return 1;
    }

    printf("%d bytes, each as it was sent, in %.3f s: %.1f Mbit/s\n", SIZE, (double)now_us / 1e6, SIZE * 8.0 / (double)now_us);
    for (int path = 0; path < PATHS; path++)
        printf("  %-5s %9ld bytes of packets to the client\n", properties[path].name, directions[SERVER][path].carried);
    mptcp_close(stacks[CLIENT], client);
    mptcp_close(stacks[SERVER], server);
    mptcp_close(stacks[SERVER], listener);
    for (int host = 0; host < HOSTS; host++)
        mptcp_stack_free(stacks[host]);
    return 0;
}
