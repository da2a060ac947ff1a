/* Kernel libraries: made beforehand in TELERUN_EMULATOR_KERNELS, or here by the translator and gcc.
 *
 * A library is called <sha256 of the PTX>-<checks>.so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module.h"
#include "report.h"
#include "sha256.h"

extern char **environ;

static char private_folder[PATH_MAX];    /* made by us, removed at exit; empty if there is none */

static void remove_private_folder(void)
{
    if (private_folder[0] != '\0')
        rmdir(private_folder);
}

/* Where libraries made here are kept. */
static const char *cache_folder(void)
{
    const char *given = getenv("TELERUN_EMULATOR_CACHE");
    if (given != NULL && *given != '\0') {
        mkdir(given, 0700);
        return given;
    }
    if (private_folder[0] == '\0') {
        const char *temporary = getenv("TMPDIR");
        snprintf(private_folder, sizeof private_folder, "%s/telerun-kernels-XXXXXX",
                 temporary && *temporary ? temporary : "/tmp");
        if (mkdtemp(private_folder) == NULL) {
            emu_say("error", "cannot make a folder for translated kernels: %s", strerror(errno));
            private_folder[0] = '\0';
            return NULL;
        }
        atexit(remove_private_folder);
    }
    return private_folder;
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

/* Runs the translator; what it writes to stderr is seen by the user. Its environment is ours with PYTHONPATH, less what
 * would load us. */
static bool translate(const char *python, const char *package_folder, const char *ptx, const char *library,
                      const char *checks)
{
    char python_path[PATH_MAX + 16];
    const char *const arguments[] = {python,  "-B",   "-m", "telerun_executor.emulator.build", "ptx", ptx,
                                     library, checks, NULL};
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    const char **environment = calloc(count + 2, sizeof *environment);
    if (environment == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0 && strncmp(environ[i], "PYTHON", 6) != 0)
            environment[kept++] = environ[i];
    snprintf(python_path, sizeof python_path, "PYTHONPATH=%s", package_folder);
    environment[kept++] = python_path;
    pid_t child;
    int status = -1,
        error = posix_spawn(&child, python, NULL, NULL, (char *const *)arguments, (char *const *)environment);
    free(environment);
    if (error != 0) {
        emu_say("error", "cannot run the translator %s: %s", python, strerror(error));
        return false;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static cudaError_t make_library(const char *ptx_text, const char *name, const char *checks, char *path, size_t bytes)
{
    const char *python = getenv("TELERUN_EMULATOR_PYTHON"), *package_folder = getenv("TELERUN_EMULATOR_PATH"), *folder;
    char ptx[PATH_MAX];
    if (python == NULL || package_folder == NULL) {
        emu_say("error", "the program's kernels were not translated when it was built, and TELERUN_EMULATOR_PYTHON and "
                         "TELERUN_EMULATOR_PATH, which name the translator, are not set");
        return cudaErrorNoKernelImageForDevice;
    }
    if ((folder = cache_folder()) == NULL)
        return cudaErrorOperatingSystem;
    snprintf(path, bytes, "%s/%s", folder, name);
    if (access(path, R_OK) == 0)
        return cudaSuccess;
    if (snprintf(ptx, sizeof ptx, "%s/%s.%d.ptx", folder, name, (int)getpid()) >= (int)sizeof ptx)
        return cudaErrorOperatingSystem;
    if (!write_file(ptx, ptx_text)) {
        emu_say("error", "cannot write %s: %s", ptx, strerror(errno));
        return cudaErrorOperatingSystem;
    }
    bool is_made = translate(python, package_folder, ptx, path, checks);
    unlink(ptx);
    if (is_made)
        return cudaSuccess;
    emu_say("error", "the program's kernels could not be translated");
    return cudaErrorInvalidPtx;
}

/* The library's calls into us must be found although the program may have loaded us privately. */
static void make_us_global(void)
{
    Dl_info us;
    if (dladdr((void *)emu_open_library, &us) != 0)
        dlopen(us.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
}

cudaError_t emu_open_library(Module *module)
{
    char hash[65], name[96], path[PATH_MAX], checks[16];
    const char *beforehand = getenv("TELERUN_EMULATOR_KERNELS");
    emu_sha256(module->ptx, strlen(module->ptx), hash);
    snprintf(checks, sizeof checks, "%u", emu_setting_checks());
    snprintf(name, sizeof name, "%s-%s.so", hash, checks);
    if (beforehand == NULL || snprintf(path, sizeof path, "%s/%s", beforehand, name) >= (int)sizeof path ||
        access(path, R_OK) != 0) {
        cudaError_t error = make_library(module->ptx, name, checks, path, sizeof path);
        if (error != cudaSuccess)
            return error;
    }
    make_us_global();
    module->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (private_folder[0] != '\0')
        unlink(path);    /* in our own folder nobody else looks for it */
    if (module->library == NULL) {
        emu_say("error", "cannot open the translated kernels: %s", dlerror());
        return cudaErrorInvalidKernelImage;
    }
    module->table = dlsym(module->library, "emu_module");
    if (module->table == NULL || module->table->abi != EMU_ABI) {
        emu_say("error", "%s was made by another version of the emulation", path);
        return cudaErrorInvalidKernelImage;
    }
    return cudaSuccess;
}
