/* Two stacks of mptcp.h, one opposite the other. A socket's name here is its number, and 100,000 more at the far host. */
#include "sockets.h"
#include "mptcp.h"

#define FAR_BASE 100000

static mptcp_stack *stacks[2];
static int64_t now_us = 1000000;

static mptcp_stack *stack_of(int s) { return stacks[s >= FAR_BASE]; }
static int number_of(int s) { return s >= FAR_BASE ? s - FAR_BASE : s; }

static void add_address(mptcp_stack *stack, const char *v4, const char *v6)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    inet_pton(AF_INET, v4, &four.sin_addr);
    inet_pton(AF_INET6, v6, &six.sin6_addr);
    mptcp_if_add(stack, 1, (struct sockaddr *)&four, 24, 1500);
    mptcp_if_add(stack, 1, (struct sockaddr *)&six, 64, 1500);
}

void hosts_begin(void)
{
    for (int i = 0; i < 2; i++) {
        struct mptcp_config config = {.size = sizeof config, .clock_start_us = now_us, .seed = 1 + i};
        stacks[i] = mptcp_stack_new(&config);
    }

    add_address(stacks[NEAR], "10.0.0.1", "fd00::1");
    add_address(stacks[FAR], "10.0.0.2", "fd00::2");
}

void hosts_end(void)
{
    mptcp_stack_free(stacks[NEAR]);
    mptcp_stack_free(stacks[FAR]);
}

static void cross(void)
{
    static char packet[65536];
    for (int moved = 1; moved;) {
        moved = 0;
        for (int i = 0; i < 2; i++) {
            ssize_t length;
            while ((length = mptcp_output(stacks[i], NULL, packet, sizeof packet, NULL)) > 0) {
                mptcp_input(stacks[!i], 1, packet, (size_t)length);
                moved = 1;
            }
        }
    }
}

/* What a call sends has crossed before the next one. */
static int after(long given)
{
    cross();
    return (int)given;
}

int so_socket(enum host at, int domain, int type, int protocol)
{
    int s = mptcp_socket(stacks[at], domain, type, protocol);
    return s < 0 || at == NEAR ? s : s + FAR_BASE;
}

int so_bind(int s, const void *address, socklen_t length) { return after(mptcp_bind(stack_of(s), number_of(s), address, length)); }
int so_listen(int s, int backlog) { return after(mptcp_listen(stack_of(s), number_of(s), backlog)); }

int so_accept(int s, void *address, socklen_t *length, int flags)
{
    int accepted = mptcp_accept(stack_of(s), number_of(s), address, length, flags);
    return after(accepted < 0 || s < FAR_BASE ? accepted : accepted + FAR_BASE);
}

int so_connect(int s, const void *address, socklen_t length) { return after(mptcp_connect(stack_of(s), number_of(s), address, length)); }
ssize_t so_recv(int s, void *buffer, size_t length, int flags) { return after(mptcp_read(stack_of(s), number_of(s), buffer, length, flags)); }
ssize_t so_send(int s, const void *buffer, size_t length, int flags) { return after(mptcp_write(stack_of(s), number_of(s), buffer, length, flags)); }
ssize_t so_readv(int s, const struct iovec *pieces, int count) { return after(mptcp_readv(stack_of(s), number_of(s), pieces, count, 0)); }
ssize_t so_writev(int s, const struct iovec *pieces, int count) { return after(mptcp_writev(stack_of(s), number_of(s), pieces, count, 0)); }
ssize_t so_recvmsg(int s, struct msghdr *message, int flags) { return after(mptcp_recvmsg(stack_of(s), number_of(s), message, flags)); }
ssize_t so_sendmsg(int s, const struct msghdr *message, int flags) { return after(mptcp_sendmsg(stack_of(s), number_of(s), message, flags)); }
int so_shutdown(int s, int how) { return after(mptcp_shutdown(stack_of(s), number_of(s), how)); }
int so_close(int s) { return after(mptcp_close(stack_of(s), number_of(s))); }
int so_getsockname(int s, void *address, socklen_t *length) { return mptcp_getsockname(stack_of(s), number_of(s), address, length); }
int so_getpeername(int s, void *address, socklen_t *length) { return mptcp_getpeername(stack_of(s), number_of(s), address, length); }

int so_getsockopt(int s, int level, int name, void *value, socklen_t *length)
{
    return mptcp_getsockopt(stack_of(s), number_of(s), level, name, value, length);
}

int so_setsockopt(int s, int level, int name, const void *value, socklen_t length)
{
    return after(mptcp_setsockopt(stack_of(s), number_of(s), level, name, value, length));
}

int so_ioctl(int s, unsigned long request, void *argument) { return mptcp_ioctl(stack_of(s), number_of(s), request, argument); }
int so_poll(int s) { return mptcp_poll_mask(stack_of(s), number_of(s)); }

int so_await(int s, int events)
{
    for (int64_t until = now_us + 2000000; now_us < until && (so_poll(s) & (events | POLLERR | POLLHUP)) == 0; now_us += 1000) {
        mptcp_advance(stacks[NEAR], now_us);
        mptcp_advance(stacks[FAR], now_us);
        cross();
    }

    return so_poll(s);
}
