// Whether a unit failed the guard, which the kernel guard has found out. MISSED_BINDING comes from the kernel. Needs: guard.glsl.
layout(binding = MISSED_BINDING, std430) readonly buffer UnitBuffer { float unit_missed[]; }; // [unit] means over the sampled rows
bool failed(Unit unit) { return unit_missed[unit.index] > GUARD_LIMIT; }

#ifdef SLOT_COUNT
// On matrices a workgroup may have several slots, and all its subgroups go on where one of them looks.
bool slot_looks(uint slot) { return slot_exists(slot) && (LOOK == 0 || failed(unit_of_slot(slot))); }
bool any_slot_looks(uint first_slot) {
    for (uint i = 0; i < slots_an_item(); i++)
        if (slot_looks(first_slot + i)) return true;
    return false;
}
#endif
