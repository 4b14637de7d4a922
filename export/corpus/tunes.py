"""The tunes of freedoom 0.12.1, Debian 12's: known here, so that a corpus can be listed before anything is fetched."""

from __future__ import annotations

from typing import Final

_NAMES: Final = """
freedoom1_bunny freedoom1_e1m1 freedoom1_e1m2 freedoom1_e1m3 freedoom1_e1m4 freedoom1_e1m5 freedoom1_e1m6
freedoom1_e1m7 freedoom1_e1m8 freedoom1_e1m9 freedoom1_e2m1 freedoom1_e2m2 freedoom1_e2m3 freedoom1_e2m4
freedoom1_e2m5 freedoom1_e2m7 freedoom1_e2m8 freedoom1_e2m9 freedoom1_e3m1 freedoom1_e3m2 freedoom1_e3m3
freedoom1_e3m4 freedoom1_e3m5 freedoom1_e3m6 freedoom1_e3m7 freedoom1_e3m8 freedoom1_e3m9 freedoom1_inter
freedoom1_intro freedoom1_introa freedoom1_victor freedoom2_adrian freedoom2_ampie freedoom2_betwee
freedoom2_count2 freedoom2_countd freedoom2_ddtbl2 freedoom2_ddtbl3 freedoom2_ddtblu freedoom2_dead
freedoom2_dead2 freedoom2_dm2int freedoom2_dm2ttl freedoom2_doom freedoom2_doom2 freedoom2_evil freedoom2_in_cit
freedoom2_messag freedoom2_messg2 freedoom2_openin freedoom2_read_m freedoom2_romer2 freedoom2_romero
freedoom2_runni2 freedoom2_runnin freedoom2_shawn freedoom2_shawn2 freedoom2_shawn3 freedoom2_stalks
freedoom2_stlks2 freedoom2_stlks3 freedoom2_tense freedoom2_the_da freedoom2_theda2 freedoom2_theda3
freedoom2_ultima
"""

FREEDOOM_TUNES: Final = tuple(_NAMES.split())
