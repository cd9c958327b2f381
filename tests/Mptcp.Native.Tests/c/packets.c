#include "packets.h"
#include <string.h>

enum { IP_HEADER = 20, TCP_HEADER = 20 };

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
uint64_t get64(const uint8_t *at) { return (uint64_t)get32(at) << 32 | get32(at + 4); }

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

void put64(uint8_t *at, uint64_t value)
{
    put32(at, (uint32_t)(value >> 32));
    put32(at + 4, (uint32_t)value);
}

static uint32_t sum(uint32_t start, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        start += get16(bytes + i);
    return length % 2 == 0 ? start : start + (uint32_t)(bytes[length - 1] << 8);
}

static uint16_t fold(uint32_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static uint16_t tcp_checksum(const uint8_t *packet, size_t length)
{
    uint32_t pseudo = sum(6 + (uint32_t)(length - IP_HEADER), packet + 12, 8);
    return fold(sum(pseudo, packet + IP_HEADER, length - IP_HEADER));
}

size_t packet_make(const struct segment *segment, uint8_t *packet)
{
    size_t padded = (segment->options_length + 3) & ~(size_t)3;
    size_t headers = IP_HEADER + TCP_HEADER + padded;
    size_t length = headers + segment->length;
    uint8_t *tcp = packet + IP_HEADER;
    memset(packet, 0, headers);
    packet[0] = 0x45;
    packet[1] = segment->tos;
    put16(packet + 2, (uint16_t)length);
    packet[8] = 64;
    packet[9] = 6;
    put32(packet + 12, segment->source);
    put32(packet + 16, segment->destination);
    put16(packet + 10, fold(sum(0, packet, IP_HEADER)));
    put16(tcp, segment->source_port);
    put16(tcp + 2, segment->destination_port);
    put32(tcp + 4, segment->seq);
    put32(tcp + 8, segment->ack);
    tcp[12] = (uint8_t)((TCP_HEADER + padded) / 4 << 4);
    tcp[13] = segment->flags;
    put16(tcp + 14, segment->window);
    memcpy(tcp + TCP_HEADER, segment->options, segment->options_length);
    memset(tcp + TCP_HEADER + segment->options_length, 1, padded - segment->options_length);
    memcpy(packet + headers, segment->payload, segment->length);
    put16(tcp + 16, tcp_checksum(packet, length));
    return length;
}

bool packet_read(const uint8_t *packet, size_t length, struct segment *segment)
{
    if (length < IP_HEADER + TCP_HEADER || packet[0] != 0x45 || packet[9] != 6 || get16(packet + 2) != length
        || fold(sum(0, packet, IP_HEADER)) != 0 || tcp_checksum(packet, length) != 0)
        return false;

    const uint8_t *tcp = packet + IP_HEADER;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || IP_HEADER + header > length || length - IP_HEADER - header > sizeof segment->payload)
        return false;

    memset(segment, 0, sizeof *segment);
    segment->tos = packet[1];
    segment->source = get32(packet + 12);
    segment->destination = get32(packet + 16);
    segment->source_port = get16(tcp);
    segment->destination_port = get16(tcp + 2);
    segment->seq = get32(tcp + 4);
    segment->ack = get32(tcp + 8);
    segment->flags = tcp[13];
    segment->window = get16(tcp + 14);
    segment->options_length = header - TCP_HEADER;
    memcpy(segment->options, tcp + TCP_HEADER, segment->options_length);
    segment->length = length - IP_HEADER - header;
    memcpy(segment->payload, packet + IP_HEADER + header, segment->length);
    return true;
}

static const uint8_t *find(const struct segment *segment, uint8_t kind, int subtype)
{
    for (size_t at = 0; at < segment->options_length && segment->options[at] != 0;) {
        const uint8_t *option = segment->options + at;
        if (option[0] == 1) {
            at++;
            continue;
        }

        if (at + 1 >= segment->options_length || option[1] < 2)
            return NULL;
        if (option[0] == kind && (subtype < 0 || option[2] >> 4 == subtype))
            return option;
        at += option[1];
    }

    return NULL;
}

const uint8_t *option_of(const struct segment *segment, uint8_t kind) { return find(segment, kind, -1); }
const uint8_t *mptcp_option_of(const struct segment *segment, uint8_t subtype) { return find(segment, OPT_MPTCP, subtype); }

void add_option(struct segment *segment, const uint8_t *option)
{
    memcpy(segment->options + segment->options_length, option, option[1]);
    segment->options_length += option[1];
}

/* ---- SHA-256 (FIPS 180-4) ---- */

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t value, int by) { return value >> by | value << (32 - by); }

static void compress(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = get32(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }

    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25);
        uint32_t one = v[7] + e + ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[i] + w[i];
        uint32_t a = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
        uint32_t two = a + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += one;
        v[0] = one + two;
    }

    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

/* Of messages of at most 247 bytes. */
static void sha256(const uint8_t *message, size_t length, uint8_t digest[32])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t padded[256] = {0};
    size_t blocks = (length + 8) / 64 + 1;
    memcpy(padded, message, length);
    padded[length] = 0x80;
    put64(padded + 64 * blocks - 8, (uint64_t)length * 8);
    for (size_t i = 0; i < blocks; i++)
        compress(state, padded + 64 * i);
    for (int i = 0; i < 8; i++)
        put32(digest + 4 * i, state[i]);
}

static void digest_key(uint64_t key, uint8_t digest[32])
{
    uint8_t bytes[8];
    put64(bytes, key);
    sha256(bytes, sizeof bytes, digest);
}

uint32_t token_of(uint64_t key)
{
    uint8_t digest[32];
    digest_key(key, digest);
    return get32(digest);
}

uint64_t idsn_of(uint64_t key)
{
    uint8_t digest[32];
    digest_key(key, digest);
    return get64(digest + 24);
}

void hmac(uint64_t first, uint64_t second, const uint8_t *message, size_t length, uint8_t digest[32])
{
    uint8_t inner[128] = {0}, outer[96] = {0};
    put64(inner, first);
    put64(inner + 8, second);
    memcpy(outer, inner, 64);
    for (int i = 0; i < 64; i++) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5c;
    }

    memcpy(inner + 64, message, length);
    sha256(inner, 64 + length, outer + 64);
    sha256(outer, sizeof outer, digest);
}

uint16_t dss_checksum(uint64_t sequence, uint32_t subflow_sequence, uint16_t length, const uint8_t *payload)
{
    uint8_t pseudo[16] = {0};
    put64(pseudo, sequence);
    put32(pseudo + 8, subflow_sequence);
    put16(pseudo + 12, length);
    return fold(sum(sum(0, pseudo, sizeof pseudo), payload, length));
}
