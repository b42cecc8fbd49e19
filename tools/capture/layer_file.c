#define _GNU_SOURCE
#include "layer_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_HEADER = 1 << 20, MOST_PATH = 4096 };

const char *layer_path(const capture *c, int layer, bool part)
{
    static char path[MOST_PATH];
    snprintf(path, sizeof path, "%s/layer-%02d.safetensors%s", c->out, layer, part ? ".part" : "");
    return path;
}

/* Text as JSON has it between quotes. */
static void append_json(char *to, size_t size, const char *text)
{
    size_t n = strlen(to);
    for (; *text && n + 7 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            n += (size_t)snprintf(to + n, size - n, "\\%c", c);
        else if (c < 0x20)
            n += (size_t)snprintf(to + n, size - n, "\\u%04x", c);
        else
            to[n++] = (char)c, to[n] = 0;
    }
}

static void append_numbers(char *to, size_t size, const int *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        size_t n = strlen(to);
        snprintf(to + n, size - n, "%s%d", i ? "," : "", numbers[i]);
    }
}

/* The header up to what tells captures and layers apart, which needs no sizes. */
static void begin_header(char *to, size_t size, const capture *c, int layer)
{
    strcpy(to, "{\"__metadata__\":{\"model\":\"");
    append_json(to, size, c->model);
    size_t n = strlen(to);
    snprintf(to + n, size - n, "\",\"text_sha256\":\"%s\",\"positions\":\"%ld\",\"layer\":\"%d\",\"kv_heads\":\"",
        c->text_sha256, c->positions, layer);
}

/* Reads a file's header; NULL if it has none or is not whole. */
static char *read_header(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    uint64_t length = 0;
    char *header = NULL;
    struct stat s;
    if (fread(&length, 8, 1, file) == 1 && length > 2 && length <= MOST_HEADER &&
        (header = calloc(1, length + 1)) != NULL && fread(header, 1, length, file) == length &&
        fstat(fileno(file), &s) == 0) {
        const char *last = strrchr(header, '[');
        const char *end = last ? strchr(last, ',') : NULL;
        if (end && (uint64_t)s.st_size == 8 + length + strtoull(end + 1, NULL, 10)) {
            fclose(file);
            return header;
        }
    }
    free(header);
    fclose(file);
    return NULL;
}

/* The key whose value is where two headers part. */
static const char *differing_key(const char *a, const char *b, int *length)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at]) at++;
    while (at > 0 && strncmp(b + at, "\":\"", 3) != 0) at--;
    const char *end = b + at, *begin = end;
    while (begin > b && begin[-1] != '"') begin--;
    *length = (int)(end - begin);
    return begin;
}

int layer_is_finished(const capture *c, int layer, char *why, size_t size)
{
    const char *path = layer_path(c, layer, false);
    struct stat s;
    if (stat(path, &s) != 0) return 0;
    char *header = read_header(path);
    if (!header) {
        snprintf(why, size,
            "%s is no whole safetensors file, and no capture writes one in parts; remove it, or take another folder",
            path);
        return -1;
    }
    static char want[MOST_HEADER];
    begin_header(want, sizeof want, c, layer);
    const char *total = strstr(header, "\"model_kv_heads\":\"");
    int every[4096], count = total ? atoi(total + strlen("\"model_kv_heads\":\"")) : 0;
    for (int i = 0; i < count && i < 4096; i++) every[i] = i;
    append_numbers(
        want, sizeof want, c->kv_head_count ? c->kv_heads : every, c->kv_head_count ? c->kv_head_count : count);
    strcat(want, "\"");
    bool same = strncmp(header, want, strlen(want)) == 0;
    if (!same) {
        int length;
        const char *key = differing_key(header, want, &length);
        snprintf(why, size, "%s is of another capture: its %.*s is another; remove it, or take another folder", path,
            length, key);
    }
    free(header);
    return same ? 1 : -1;
}

static long rows_before(const layer_file *f, enum tensor_name name)
{
    long heads = name == TENSOR_Q ? 0 : name == TENSOR_K ? f->heads : f->heads + f->kv_heads;
    return heads * f->of->positions;
}

static void make_header(char *to, size_t size, const layer_file *f, int model_heads, int model_kv_heads, double factor)
{
    begin_header(to, size, f->of, f->layer);
    append_numbers(to, size, f->chosen, f->kv_heads);
    size_t n = strlen(to);
    n += (size_t)snprintf(to + n, size - n, "\",\"heads\":\"");
    int share = model_heads / model_kv_heads, heads[4096];
    for (int i = 0; i < f->heads; i++) heads[i] = f->chosen[i / share] * share + i % share;
    append_numbers(to, size, heads, f->heads);
    n = strlen(to);
    n += (size_t)snprintf(to + n, size - n,
        "\",\"model_layers\":\"%d\",\"model_kv_heads\":\"%d\",\"rope\":\"applied\",\"scale\":\"1/sqrt(head_dim)\"",
        f->of->layers, model_kv_heads);
    if (factor != 1) n += (size_t)snprintf(to + n, size - n, ",\"q_factor\":\"%.9g\"", factor);
    n += (size_t)snprintf(to + n, size - n, "}");
    const char *names[] = {"q", "k", "v"};
    for (int i = 0; i < 3; i++) {
        long begin = rows_before(f, (enum tensor_name)i) * f->dim * 2;
        int count = i == TENSOR_Q ? f->heads : f->kv_heads;
        n += (size_t)snprintf(to + n, size - n,
            ",\"%s\":{\"dtype\":\"F16\",\"shape\":[%d,%ld,%d],\"data_offsets\":[%ld,%ld]}", names[i], count,
            f->of->positions, f->dim, begin, begin + (long)count * f->of->positions * f->dim * 2);
    }
    n += (size_t)snprintf(to + n, size - n, "}");
    while (n % 8) to[n++] = ' ', to[n] = 0;
}

bool layer_open(layer_file *f, const capture *c, int layer, int model_heads, int model_kv_heads, int dim, double factor,
    char *why, size_t size)
{
    static char header[MOST_HEADER], there[MOST_HEADER];
    *f = (layer_file){.of = c, .layer = layer, .dim = dim};
    f->kv_heads = c->kv_head_count ? c->kv_head_count : model_kv_heads;
    f->heads = f->kv_heads * (model_heads / model_kv_heads);
    for (int i = 0; i < f->kv_heads; i++) f->chosen[i] = c->kv_head_count ? c->kv_heads[i] : i;
    make_header(header, sizeof header, f, model_heads, model_kv_heads, factor);
    uint64_t length = strlen(header);
    f->data = 8 + (long)length;
    const char *path = layer_path(c, layer, true);
    f->file = fopen(path, c->resumed ? "r+b" : "wb");
    if (!f->file) {
        snprintf(why, size, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    if (!c->resumed) {
        if (fwrite(&length, 8, 1, f->file) == 1 && fwrite(header, 1, length, f->file) == length) return true;
        snprintf(why, size, "cannot write %s: %s", path, strerror(errno));
        return false;
    }
    uint64_t found = 0;
    if (fread(&found, 8, 1, f->file) == 1 && found == length && fread(there, 1, length, f->file) == length &&
        memcmp(there, header, length) == 0)
        return true;
    fclose(f->file);
    f->file = NULL;
    snprintf(why, size, "it was left out before the interruption");
    return false;
}

bool layer_write(layer_file *f, enum tensor_name name, int head, long first, long count, const uint16_t *halves)
{
    long row = rows_before(f, name) + head * f->of->positions + first;
    return fseek(f->file, f->data + row * f->dim * 2, SEEK_SET) == 0 &&
           fwrite(halves, 2 * (size_t)f->dim, (size_t)count, f->file) == (size_t)count;
}

bool layer_finish(layer_file *f)
{
    bool closed = fclose(f->file) == 0;
    f->file = NULL;
    char part[MOST_PATH];
    snprintf(part, sizeof part, "%s", layer_path(f->of, f->layer, true));
    return closed && rename(part, layer_path(f->of, f->layer, false)) == 0;
}

void layer_leave_out(layer_file *f, const capture *c, int layer)
{
    if (f->file) fclose(f->file);
    f->file = NULL;
    FILE *file = fopen(layer_path(c, layer, true), "wb");
    if (file) fclose(file);
}
