/* What the environment says. */
#include <stdlib.h>
#include <string.h>

#include "module.h"
#include "report.h"

uint64_t emu_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || *text == '\0')
        return otherwise;
    uint64_t value = strtoull(text, &end, 10);
    if (*end != '\0') {
        emu_say("warning", "%s=%s is no number: using %lu", name, text, otherwise);
        return otherwise;
    }
    return value;
}

/* TELERUN_EMULATOR_CHECKS: bits as a number, or words parted by commas. */
static uint32_t read_checks(void)
{
    static const struct {
        const char *word;
        uint32_t bits;
    } words[] = {
        {"memory", EMU_CHECK_MEMORY},
        {"init", EMU_CHECK_INIT},
        {"barriers", EMU_CHECK_BARRIERS},
        {"races", EMU_CHECK_RACES},
        {"none", 0},
        {"all", 15},
    };
    const char *text = getenv("TELERUN_EMULATOR_CHECKS");
    if (text == NULL || *text == '\0')
        return EMU_CHECK_MEMORY | EMU_CHECK_INIT | EMU_CHECK_BARRIERS;
    if (*text >= '0' && *text <= '9')
        return (uint32_t)emu_setting("TELERUN_EMULATOR_CHECKS", 7) & 15;
    uint32_t checks = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, ","), i, known = sizeof words / sizeof *words;
        for (i = 0; i < known; i++)
            if (strlen(words[i].word) == length && strncmp(words[i].word, text, length) == 0)
                break;
        if (i < known)
            checks |= words[i].bits;
        else
            emu_say("warning",
                    "TELERUN_EMULATOR_CHECKS: there is no check \"%.*s\"; there are memory, init, barriers, races",
                    (int)length, text);
        text += length + (text[length] == ',');
    }
    return checks;
}

uint32_t emu_setting_checks(void)
{
    static _Atomic int64_t checks = -1;    /* read once: what is wrong with it is said once */
    if (checks < 0)
        checks = read_checks();
    return (uint32_t)checks;
}
