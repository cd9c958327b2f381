/*
 * IPv4 packets made and read by hand, for a test that plays the peer of a stack: TCP with its options, those of
 * Multipath TCP (RFC 8684), and the HMACs that joins and announcements need.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK_OK = 4, OPT_SACK = 5, OPT_TIMESTAMPS = 8, OPT_MPTCP = 30 };
enum { MP_CAPABLE, MP_JOIN, DSS, ADD_ADDR, REMOVE_ADDR, MP_PRIO, MP_FAIL, MP_FASTCLOSE, MP_TCPRST };

struct segment {
    uint32_t source, destination; /* addresses in the machine's order */
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint8_t  flags;
    uint16_t window;
    uint8_t  tos;
    uint8_t  options[40];
    size_t   options_length;
    uint8_t  payload[2000];
    size_t   length;
};

/* Writes the packet into at least 2,100 bytes; its length. */
size_t packet_make(const struct segment *segment, uint8_t *packet);

/* Reads a packet; false when its lengths or a checksum are wrong. */
bool packet_read(const uint8_t *packet, size_t length, struct segment *segment);

/* An option of this kind, length octet second; null when there is none. */
const uint8_t *option_of(const struct segment *segment, uint8_t kind);

/* The option of Multipath TCP with this subtype. */
const uint8_t *mptcp_option_of(const struct segment *segment, uint8_t subtype);

/* Adds an option at the end, padded to words by packet_make. */
void add_option(struct segment *segment, const uint8_t *option);

uint32_t get32(const uint8_t *at);
uint64_t get64(const uint8_t *at);
void put32(uint8_t *at, uint32_t value);
void put64(uint8_t *at, uint64_t value);

/* RFC 8684 3.1: the token of a key, and its initial data sequence number. */
uint32_t token_of(uint64_t key);
uint64_t idsn_of(uint64_t key);

/* HMAC-SHA256 with two keys in this order over a message. */
void hmac(uint64_t first, uint64_t second, const uint8_t *message, size_t length, uint8_t digest[32]);

/* The checksum of a mapping (RFC 8684 3.3). */
uint16_t dss_checksum(uint64_t sequence, uint32_t subflow_sequence, uint16_t length, const uint8_t *payload);

#endif
