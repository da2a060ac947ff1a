/* How the lanes of a warp hold a matrix. */
#ifndef TELERUN_FRAGMENT_H
#define TELERUN_FRAGMENT_H

#include "engine.h"

#define ALL_LANES 0xffffffffu

typedef struct Place { uint32_t row, column; } Place;

uint32_t emu_element_bits(EmuElement element);

/* Words that a lane holds of a wmma fragment of `elements` elements: f16 multiplicands always take eight. */
uint32_t emu_wmma_words(EmuElement element, uint32_t elements, bool is_multiplicand);

/* Where element `i` of a lane's wmma fragment stands in its matrix: in order, from lane to lane. */
Place emu_wmma_place(uint32_t lane, uint32_t i, uint32_t rows, uint32_t columns, uint32_t words, EmuElement element);

/* A meeting of all 32 lanes. Lanes that have ended make its result undefined on a GPU, and are an error here. */
void emu_meet_all(EmuThread *t, Collective *collective, void *mine, uint32_t site);

#endif
