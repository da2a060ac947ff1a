/* The memory of the race check; one per block that runs. */
#ifndef TELERUN_RACES_H
#define TELERUN_RACES_H

typedef struct Races Races;

Races *emu_races_make(void);    /* NULL when memory has run out: the check is then off */

#endif
