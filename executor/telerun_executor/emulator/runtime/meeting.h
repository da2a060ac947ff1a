/* The meeting that every warp operation is made of. */
#ifndef TELERUN_MEETING_H
#define TELERUN_MEETING_H

#include "engine.h"

/* Waits until every lane of `mask` that has not ended has come with the same mask and the same collective. The last one to come
 * runs the collective over what all brought; each then reads its own answer from what it brought. */
void emu_meet(EmuThread *t, uint32_t mask, Collective *collective, void *lane, uint32_t site);

#endif
