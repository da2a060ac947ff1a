/* Warp operations: what the lanes bring to their meeting, and what they take home. */
#include "meeting.h"
#include "report.h"

#define NOBODY 32u    /* no lane */

typedef struct Exchange {
    uint64_t value;
    uint32_t a, b, c;       /* operands; all lanes bring the same mode */
    int mode;
    uint32_t result;
    bool flag;
} Exchange;

#define EACH_LANE(lane, mask)                                                                                          \
    for (uint32_t rest_ = (mask), lane; rest_ != 0 && (lane = (uint32_t)__builtin_ctz(rest_), 1); rest_ &= rest_ - 1)

/* PTX ISA, shfl.sync: `b` is the distance or the lane, `c` holds a clamp value and a segment mask. */
static void shuffle(uint32_t mask, void *lanes[32])
{
    EACH_LANE(lane, mask)
    {
        Exchange *mine = lanes[lane];
        uint32_t b = mine->b & 31, segment = (mine->c >> 8) & 31, clamp = mine->c & 31;
        uint32_t most = (lane & segment) | (clamp & ~segment), least = lane & segment;
        int from;
        switch (mine->mode) {
        case EMU_SHFL_UP:
            from = (int)lane - (int)b;
            mine->flag = from >= (int)most;
            break;
        case EMU_SHFL_DOWN:
            from = (int)(lane + b);
            mine->flag = from <= (int)most;
            break;
        case EMU_SHFL_BFLY:
            from = (int)(lane ^ b);
            mine->flag = from <= (int)most;
            break;
        default:
            from = (int)(least | (b & ~segment));
            mine->flag = from <= (int)most;
        }
        if (!mine->flag)
            from = (int)lane;
        const Exchange *source = lanes[from];    /* a lane that takes no part has nothing to give: keep our own */
        mine->result = source == NULL ? (uint32_t)mine->value : (uint32_t)source->value;
        mine->a = source == NULL ? (uint32_t)from : NOBODY;
    }
}

uint32_t emu_shfl(EmuThread *t, int mode, uint32_t a, uint32_t b, uint32_t c, uint32_t mask, bool *inside,
                  uint32_t site)
{
    Exchange mine = {.value = a, .b = b, .c = c, .mode = mode};
    emu_meet(t, mask, shuffle, &mine, site);
    if (EMU_UNLIKELY(mine.a != NOBODY) && emu_checks_of(emu_thread(t)->home->grid->module) & EMU_CHECK_INIT)
        emu_warn(emu_thread(t), site, "this shuffle reads lane %u, which %s", mine.a,
                 mask >> mine.a & 1 ? "has ended" : "takes no part: its bit is not in the mask");
    if (inside != NULL)
        *inside = mine.flag;
    return mine.result;
}

static void vote(uint32_t mask, void *lanes[32])
{
    uint32_t ballot = 0;
    EACH_LANE(lane, mask)
    ballot |= (uint32_t)((Exchange *)lanes[lane])->flag << lane;
    EACH_LANE(lane, mask)
    ((Exchange *)lanes[lane])->result = ballot;
    EACH_LANE(lane, mask)
    ((Exchange *)lanes[lane])->a = mask;
}

uint32_t emu_vote(EmuThread *t, int mode, bool value, uint32_t mask, uint32_t site)
{
    Exchange mine = {.flag = value};
    emu_meet(t, mask, vote, &mine, site);
    switch (mode) {
    case EMU_VOTE_ALL:
        return mine.result == mine.a;
    case EMU_VOTE_ANY:
        return mine.result != 0;
    case EMU_VOTE_UNI:
        return mine.result == 0 || mine.result == mine.a;
    default:
        return mine.result;
    }
}

static void match(uint32_t mask, void *lanes[32])
{
    EACH_LANE(lane, mask)
    {
        Exchange *mine = lanes[lane];
        mine->result = 0;
        EACH_LANE(other, mask)
        mine->result |= (uint32_t)(((Exchange *)lanes[other])->value == mine->value) << other;
        mine->flag = mine->result == mask;
    }
}

uint32_t emu_match_any(EmuThread *t, uint64_t value, uint32_t mask, uint32_t site)
{
    Exchange mine = {.value = value};
    emu_meet(t, mask, match, &mine, site);
    return mine.result;
}

uint32_t emu_match_all(EmuThread *t, uint64_t value, uint32_t mask, bool *all, uint32_t site)
{
    Exchange mine = {.value = value};
    emu_meet(t, mask, match, &mine, site);
    if (all != NULL)
        *all = mine.flag;
    return mine.flag ? mine.result : 0;
}

static uint32_t combine(int operation, uint32_t a, uint32_t b)
{
    switch (operation) {
    case EMU_REDUX_ADD:
        return a + b;
    case EMU_REDUX_MIN_S32:
        return (int32_t)b < (int32_t)a ? b : a;
    case EMU_REDUX_MAX_S32:
        return (int32_t)b > (int32_t)a ? b : a;
    case EMU_REDUX_MIN_U32:
        return b < a ? b : a;
    case EMU_REDUX_MAX_U32:
        return b > a ? b : a;
    case EMU_REDUX_AND:
        return a & b;
    case EMU_REDUX_OR:
        return a | b;
    default:
        return a ^ b;
    }
}

static void reduce(uint32_t mask, void *lanes[32])
{
    const Exchange *first = lanes[__builtin_ctz(mask)];
    uint32_t sum = (uint32_t)first->value;
    EACH_LANE(lane, mask & (mask - 1))
    sum = combine(first->mode, sum, (uint32_t)((Exchange *)lanes[lane])->value);
    EACH_LANE(lane, mask)
    ((Exchange *)lanes[lane])->result = sum;
}

uint32_t emu_redux(EmuThread *t, int operation, uint32_t value, uint32_t mask, uint32_t site)
{
    Exchange mine = {.value = value, .mode = operation};
    emu_meet(t, mask, reduce, &mine, site);
    return mine.result;
}

static void elect(uint32_t mask, void *lanes[32])
{
    EACH_LANE(lane, mask)
    ((Exchange *)lanes[lane])->result = (uint32_t)__builtin_ctz(mask);
}

uint32_t emu_elect(EmuThread *t, uint32_t mask, bool *elected, uint32_t site)
{
    Exchange mine = {.value = 0};
    emu_meet(t, mask, elect, &mine, site);
    if (elected != NULL)
        *elected = mine.result == t->index % 32;
    return mine.result;
}
