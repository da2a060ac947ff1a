/* A stand-in for libcuda.so.1, as far as the probe of a GPU goes: its "kernel" writes what the probe expects.
 *
 * The file of nvml.c says by `GPU probe WORD` how it goes: `fail` (cuInit fails), `hang`, `wrong` (a wrong result). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long long u64;
enum { OK = 0, NO_DEVICE = 100, UNKNOWN = 999 };
static char mode[32];

static void read_mode(void) {
    const char *path = getenv("TELERUN_FAKE_GPUS"), *visible = getenv("CUDA_VISIBLE_DEVICES");
    char line[512], gpu[32] = "", who[32], key[32], value[128], word[32];
    FILE *file = path ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%31s %31s %127s", who, key, value) != 3) continue;
        if (visible && !strcmp(key, "uuid") && !strcmp(value, visible)) snprintf(gpu, sizeof gpu, "%s", who);
    }
    if (file) rewind(file);
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%31s %31s %31s", who, key, word) == 3 && !strcmp(who, gpu) && !strcmp(key, "probe"))
            strcpy(mode, word);
    if (file) fclose(file);
    if (!*gpu) strcpy(mode, "absent");
}

int cuInit(unsigned flags) {
    read_mode();
    if (!strcmp(mode, "hang")) pause();
    return !strcmp(mode, "fail") ? UNKNOWN : !strcmp(mode, "absent") ? NO_DEVICE : OK;
}
int cuGetErrorString(int code, const char **text) { *text = code == NO_DEVICE ? "no CUDA-capable device is detected" : "unknown error"; return OK; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return OK; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = mode; return OK; }
int cuDevicePrimaryCtxRelease_v2(int device) { return OK; }
int cuCtxSetCurrent(void *context) { return OK; }
int cuModuleLoadData(void **module, const void *image) { *module = mode; return strstr(image, ".entry") ? OK : UNKNOWN; }
int cuModuleGetFunction(void **function, void *module, const char *name) { *function = mode; return OK; }
int cuMemAlloc_v2(u64 *address, size_t size) { *address = (u64)calloc(1, size); return OK; }
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **arguments, void **extra) {
    unsigned *out = (unsigned *)*(u64 *)arguments[0];
    for (unsigned i = 0; i < gx * bx; ++i) out[i] = i * 2654435761u + (strcmp(mode, "wrong") ? 0 : i == 77);
    return OK;
}
int cuCtxSynchronize(void) { return OK; }
int cuMemcpyDtoH_v2(void *target, u64 source, size_t size) { memcpy(target, (void *)source, size); return OK; }
