/* A stand-in for libnvidia-ml.so.1: GPUs as a text file describes them, for tests of everything that speaks to NVML.
 *
 * $TELERUN_FAKE_GPUS names the file; without it there is no driver. Its lines are `WHO KEY VALUE`, WHO being `driver`,
 * the number of a GPU, or `GPU.PART` for a part of a divided one (MIG). The last line with the same WHO and KEY counts,
 * and the file is read at each call: a test changes a GPU by appending a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, NO_DRIVER = 9, TIMEOUT = 10, LOST = 15 };
typedef unsigned long long u64;
typedef struct Handle { int gpu, part; } Handle;

static Handle handles[64][9]; /* [gpu][part + 1] */

static int line_of(const char *who, const char *key, char *value, size_t size) {
    const char *path = getenv("TELERUN_FAKE_GPUS");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512], prefix[128];
    int found = 0;
    if (!file) return 0;
    size_t length = (size_t)snprintf(prefix, sizeof prefix, "%s %s ", who, key);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, prefix, length)) continue;
        snprintf(value, size, "%s", line + length);
        found = 1;
    }
    fclose(file);
    return found;
}

static int told(const Handle *of, const char *key, char *value, size_t size) {
    char who[32];
    if (of->part < 0) snprintf(who, sizeof who, "%d", of->gpu);
    else snprintf(who, sizeof who, "%d.%d", of->gpu, of->part);
    return line_of(who, key, value, size);
}

static int lost(const Handle *of) {
    char text[8];
    const Handle whole = {of->gpu, -1};
    return told(&whole, "lost", text, sizeof text) && strcmp(text, "0");
}

static int number(const Handle *of, const char *key, u64 *value) {
    char text[64];
    if (lost(of)) return LOST;
    if (!told(of, key, text, sizeof text)) return NOT_SUPPORTED;
    *value = strtoull(text, NULL, 0);
    return OK;
}

static int small(const Handle *of, const char *key, unsigned *value) {
    u64 wide = 0;
    int result = number(of, key, &wide);
    *value = (unsigned)wide;
    return result;
}

static int text(const Handle *of, const char *key, char *value, unsigned size) {
    if (lost(of)) return LOST;
    return told(of, key, value, size) ? OK : NOT_SUPPORTED;
}

int nvmlInit_v2(void) {
    char value[64];
    return line_of("driver", "version", value, sizeof value) ? OK : NO_DRIVER;
}
int nvmlInitWithFlags(unsigned flags) { return nvmlInit_v2(); }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : "an error of the stand-in"; }

int nvmlSystemGetDriverVersion(char *value, unsigned size) {
    return line_of("driver", "version", value, size) ? OK : NO_DRIVER;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    char value[64];
    for (*count = 0; *count < 64; ++*count) {
        const Handle next = {(int)*count, -1};
        if (!told(&next, "uuid", value, sizeof value)) break;
    }
    return OK;
}

static Handle *handle(int gpu, int part) {
    Handle *one = &handles[gpu][part + 1];
    one->gpu = gpu;
    one->part = part;
    return one;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle **found) {
    unsigned count;
    nvmlDeviceGetCount_v2(&count);
    if (index >= count) return INVALID;
    *found = handle((int)index, -1);
    return lost(*found) ? LOST : OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **found) {
    char value[96];
    for (int gpu = 0; gpu < 64; ++gpu)
        for (int part = -1; part < 8; ++part)
            if (told(handle(gpu, part), "uuid", value, sizeof value) && !strcmp(value, uuid)) {
                *found = handle(gpu, part);
                return lost(*found) ? LOST : OK;
            }
    return NOT_FOUND;
}

int nvmlDeviceGetName(Handle *of, char *value, unsigned size) { return text(of, "name", value, size); }
int nvmlDeviceGetUUID(Handle *of, char *value, unsigned size) { return text(of, "uuid", value, size); }

int nvmlDeviceGetCudaComputeCapability(Handle *of, int *major, int *minor) {
    char value[32];
    int result = text(of, "capability", value, sizeof value);
    if (result == OK) sscanf(value, "%d.%d", major, minor);
    return result;
}

typedef struct { u64 total, free, used; } Memory;
int nvmlDeviceGetMemoryInfo(Handle *of, Memory *memory) {
    int result = number(of, "memory", &memory->total);
    memory->used = 0;
    if (result == OK) number(of, "used", &memory->used);
    memory->free = memory->total - memory->used;
    return result;
}

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char name[32]; } Pci;
int nvmlDeviceGetPciInfo_v3(Handle *of, Pci *pci) {
    memset(pci, 0, sizeof *pci);
    return text(of, "pci", pci->name, sizeof pci->name);
}

int nvmlDeviceGetMigMode(Handle *of, unsigned *now, unsigned *pending) {
    int result = small(of, "mig", now);
    *pending = *now;
    return result;
}
int nvmlDeviceGetMaxMigDeviceCount(Handle *of, unsigned *count) { *count = 7; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(Handle *of, unsigned index, Handle **found) {
    char value[96];
    *found = handle(of->gpu, (int)index);
    return told(*found, "uuid", value, sizeof value) ? OK : NOT_FOUND;
}
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Handle *of, Handle **found) { *found = handle(of->gpu, -1); return OK; }
int nvmlDeviceGetGpuInstanceId(Handle *of, unsigned *id) { return small(of, "gi", id); }
int nvmlDeviceGetComputeInstanceId(Handle *of, unsigned *id) { return small(of, "ci", id); }

int nvmlDeviceGetEccMode(Handle *of, unsigned *now, unsigned *pending) {
    int result = small(of, "ecc", now);
    *pending = *now;
    return result;
}
int nvmlDeviceGetMaxClockInfo(Handle *of, int kind, unsigned *mhz) {
    return small(of, kind == 1 ? "max-sm-clock" : "max-memory-clock", mhz);
}
int nvmlDeviceGetClockInfo(Handle *of, int kind, unsigned *mhz) { return small(of, kind == 1 ? "sm-clock" : "memory-clock", mhz); }
int nvmlDeviceGetPowerUsage(Handle *of, unsigned *milliwatt) { return small(of, "power", milliwatt); }
int nvmlDeviceGetTemperature(Handle *of, int sensor, unsigned *celsius) { return small(of, "temperature", celsius); }
int nvmlDeviceGetCurrentClocksEventReasons(Handle *of, u64 *reasons) { return number(of, "throttle", reasons); }
int nvmlDeviceGetCurrentClocksThrottleReasons(Handle *of, u64 *reasons) { return number(of, "throttle", reasons); }

typedef struct { unsigned gpu, memory; } Utilization;
int nvmlDeviceGetUtilizationRates(Handle *of, Utilization *rates) {
    rates->memory = 0;
    return small(of, "utilization", &rates->gpu);
}

typedef struct { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; } Process;
int nvmlDeviceGetComputeRunningProcesses_v3(Handle *of, unsigned *count, Process *processes) {
    char value[256], *rest = value;
    unsigned size = *count;
    *count = 0;
    if (lost(of)) return LOST;
    if (!told(of, "processes", value, sizeof value)) return OK;
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        if (*count < size) processes[*count] = (Process){(unsigned)atoi(word), 1 << 20, 0xffffffff, 0xffffffff};
        ++*count;
    }
    return *count > size ? 7 /* insufficient size */ : OK;
}

/* Events: `GPU xid COUNT CODE` is the COUNT-th event of that GPU; one that a set has not seen is delivered once. */
typedef struct { int registered[64]; u64 seen[64]; } EventSet;
typedef struct { Handle *device; u64 type, data; unsigned gpu_instance, compute_instance; } Event;

static u64 latest(int gpu, u64 *code) {
    char value[64];
    u64 count = 0;
    const Handle whole = {gpu, -1};
    if (told(&whole, "xid", value, sizeof value)) sscanf(value, "%llu %llu", &count, code);
    return count;
}

int nvmlEventSetCreate(EventSet **set) { *set = calloc(1, sizeof **set); return OK; }
int nvmlEventSetFree(EventSet *set) { free(set); return OK; }
int nvmlDeviceGetSupportedEventTypes(Handle *of, u64 *types) { *types = 0x8 | 0x2; return OK; }
int nvmlDeviceRegisterEvents(Handle *of, u64 types, EventSet *set) {
    u64 code;
    if (of->part >= 0) return NOT_SUPPORTED;
    set->registered[of->gpu] = 1;
    set->seen[of->gpu] = latest(of->gpu, &code);
    return OK;
}
int nvmlEventSetWait_v2(EventSet *set, Event *event, unsigned milliseconds) {
    for (int gpu = 0; gpu < 64; ++gpu) {
        u64 code = 0, count = set->registered[gpu] ? latest(gpu, &code) : 0;
        if (count <= set->seen[gpu]) continue;
        set->seen[gpu] = count;
        *event = (Event){handle(gpu, -1), 0x8, code, 0xffffffff, 0xffffffff};
        return OK;
    }
    return TIMEOUT;
}
