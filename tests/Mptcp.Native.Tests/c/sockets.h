/*
 * The same verbs over the kernel's sockets (-DKERNEL) and over two stacks of mptcp.h, so that one test source can be
 * compiled twice and its two outputs compared. Every call gives a result, or a negative errno.
 *
 * Two hosts, NEAR (10.0.0.1, fd00::1) and FAR (10.0.0.2, fd00::2). With the kernel both are the loopback of a network
 * namespace of its own; else they are two stacks whose packets go across at once, in virtual time.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define SOL_TCP 6
#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

enum host { NEAR, FAR };

/* A socket that no call knows. */
#define NO_SOCKET 90000

void hosts_begin(void);
void hosts_end(void);

int so_socket(enum host at, int domain, int type, int protocol);
int so_bind(int s, const void *address, socklen_t length);
int so_listen(int s, int backlog);
int so_accept(int s, void *address, socklen_t *length, int flags);
int so_connect(int s, const void *address, socklen_t length);
ssize_t so_recv(int s, void *buffer, size_t length, int flags);
ssize_t so_send(int s, const void *buffer, size_t length, int flags);
ssize_t so_readv(int s, const struct iovec *pieces, int count);
ssize_t so_writev(int s, const struct iovec *pieces, int count);
ssize_t so_recvmsg(int s, struct msghdr *message, int flags);
ssize_t so_sendmsg(int s, const struct msghdr *message, int flags);
int so_shutdown(int s, int how);
int so_close(int s);
int so_getsockname(int s, void *address, socklen_t *length);
int so_getpeername(int s, void *address, socklen_t *length);
int so_getsockopt(int s, int level, int name, void *value, socklen_t *length);
int so_setsockopt(int s, int level, int name, const void *value, socklen_t length);
int so_ioctl(int s, unsigned long request, void *argument);

/* What poll says now. */
int so_poll(int s);

/* Lets packets and up to two seconds pass until poll says any of these; what it says then. */
int so_await(int s, int events);

#endif
