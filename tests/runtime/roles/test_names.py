import csv
from collections import Counter
from pathlib import Path

import pytest
from mixbridge.presets.roles import ROLES
from mixbridge.runtime.roles.lexicon import MEANINGS
from mixbridge.runtime.roles.names import folded, role_weights

NAMES = Path(__file__).with_name("track_names.csv")
# What the data calls otherwise.
ALSO = {"overhead": {"room", "drums"}, "keys": {"pad", "lead synth"}}

WORLD = {
    "kick": "Kick|Kick In|K in|KIn_01|BD|Bass Drum|Bassdrum|Grosse Caisse|Große Trommel|Bombo|Bumbo|Cassa|Grancassa"
    "|Kik|KD 1|Sub Kick|808 Kick|Kick D112|KICK.L|01 - Kick|GC|GC in|Бочка внутри",
    "snare": "Snare|Sn Top|S Top2|SD|Caisse claire|Caja|Tarola|Redoblante|Caixa|Rullante|Kleine Trommel|SNR_03"
    "|Snare Drum|Rim Shot|SnBot|SnT1.09|CC dessous|Малый низ|caja abajo|caixa esteira",
    "tom": "Tom 1|Floor Tom|Rack|FT|Fl Tom|Standtom|Hängetom|T1_16|Tom basse|Tom de piso|Surdo|Toms|FlTom CONS|Том 1"
    "|Напольный том|timpano",
    "hi-hat": "HH|Hi-Hat|HiHat_01|Hats|Charley|Charleston|Chimbal|Hi Hat Close|ALT HH|contratiempo|Хет",
    "cymbal": "Crash|Ride|China L|Cymbals|Becken|Platillos|Piatti|Pratos|Ride Bell|OH Ride",
    "overhead": "OH|OH L|OHR_02|Overheads|Over Head L|OH_15 S|StOH|OH Schoeps|Overhead links|over esq|Over 1|over sx"
    "|Оверы",
    "room": "Room|Drum Room|snare room|Rm_15 S|Raum|Amb L|DrumsAmbience1|DrRm_16|Ambiance batterie|Room Tone|Raumton"
    "|Комната|Hall L",
    "percussion": "Perc|Shaker|Tambourine|Congas|Claps|Cowbell|Pandeiro|Percussão|Cajon|Palmas|Steel Drums|tmb_04"
    "|zabumba|tamborim|Бубен|Хлопки|battiti mani|Timp",
    "drums": "Drums|Schlagzeug|Batterie|Batería|Drum Bus|Drum Loop|Kick Snare|BIG BEAT|Drum mix|Bateria",
    "bass": "Bass|Bass DI|bass guitar|E-Bass|Basse|Bajo|Basso|Baixo|Kontrabass|Upright Bass|Synth Bass|SY BASS"
    "|BassDIOD CONS|Contrebasse|Bassgitarre|Double Bass|Контрабас|Бас-гитара",
    "electric guitar": "Gtr|gtr L|E-Gitarre|Lead Guitar|EGtr 1|GtrSolo201.09|GTR Dist|Guitare électrique|Rgtr1_09"
    "|Guitarra eléctrica|Chitarra elettrica|Gitarre links|Gtr Room|eGTA2|PaulEGtrR84|guitarra base esq"
    "|guitarra base dir|Гитара соло",
    "acoustic guitar": "Ac Gtr|Acoustic Guitar|AGtr|Akustikgitarre|Guitare acoustique|Guitarra acústica|Violão"
    "|Ukulele|Banjo|12 String|Act Guit.09 (Stereo)|A-Gitarre|Guitare sèche|Акустика",
    "keys": "Piano|Rhodes|Hammond|Keys|Klavier|E-Piano|Orgel|Teclado|Pianoforte|Tastiera|wrlz hi_10|OrgODL.04|Рояль"
    "|Баян|sanfona",
    "pad": "Pad|Synth Pad|Nappe|ECHO PAD|Flächen|SynthPad (Stereo)|Пад",
    "lead synth": "Synth Lead|Lead Synth|Arp|Pluck|27_SynthLead (Stereo)|Saw Stack|Supersaw Stack",
    "strings": "Strings|Violin 1|Cello|Vla|Streicher|Cordes|Cuerdas|Archi|Cordas|Geige|Violins|Виолончель",
    "brass": "Trumpet|Trombone|Horns|Brass|Trompete|Cuivres|Posaune|Tromba|French Horn|Bass Trombone|Tpt 1|Hn|sopros"
    "|vientos|Тромбон",
    "woodwind": "Flute|Sax|Alto Sax|Clarinet|Bass Clarinet|Flöte|Flûte|Saxofón|Harmonica|English Horn|Bsn|Picc|Кларнет",
    "lead vocal": "Lead Vox|LdVox.cmp_01|Voix lead|Leadgesang|Voz principal|Voce principale|mV1_09|Gesang|Voix|Voz"
    "|Canto|Main Vox|VOX LEAD|LdV3DH.01*|LDVocChDbl1 CONS|Voc|Основной вокал|Рэп|Voz guia|Doppia voce",
    "backing vocal": "BGV 1|Backing Vox|BV L|Harmony|Choir|Chœurs|Chor|Coros|Coro|Hintergrundgesang|BGVOX OOH"
    "|AHHHH!_01|Bass Vocal|Cori|Seconda voce|BkV1D.01|BGD4 CONS|29_BackingVox1_TelefunkenELAM251|Подпевка 1"
    "|Zweite Stimme|controcanto|vocal apoio 1|Vox Chops",
    "speech": "Host|Guest 1|Narration|Voice Over|VO|Sprecher|Voix off|Interview|Locutor|Dialogue|Spoken Word Vocal"
    "|DX Anna|DX Boom|DX Tom Lav|MC|Ch10 MC|ADR 3|Ведущий|Boom Mic|voce narrante",
    "effect": "FX|SFX|Vocal FX|Reverb|Vox Delay|Riser|Effekte|Snare Verb|Efectos|SWEEPS|Wild Track|Birds|Traffic"
    "|Nat Sound",
    "full mix": "Mix|Full Mix|Master|Mixdown|Backing Track|Playback|Music|MX Score|Music Bed|Intro Jingle|Musique"
    "|OST|Минус",
}
SILENT = (
    "Audio 30|Track 7|01|Untitled|Coles_16|CRAP COMP_01|Gel 1|Anna|L|Morgan|organic|Tomorrow|dry|Old|That|chat|Label"
    "|ohm|Headroom|Basement|snow|world|Bridge|Take 5|Final v2|Input 1|Mic 3||---|🎸"
)


def test_world_names():
    wrong = {}
    for role, names in WORLD.items():
        for name in names.split("|"):
            weights = role_weights(name)
            best = max(weights, key=weights.get, default=None)
            if best != role:
                wrong[name] = (role, best)
    assert wrong == {}


@pytest.mark.parametrize("name", SILENT.split("|"))
def test_name_that_says_nothing(name):
    assert role_weights(name) == {}


def test_weights_are_shares():
    for names in WORLD.values():
        for name in names.split("|"):
            weights = role_weights(name)
            assert set(weights) <= set(ROLES)
            assert all(0 < weight <= 1 for weight in weights.values())
            assert sum(weights.values()) <= 1


def test_open_names_leave_room_for_the_sound():
    assert role_weights("Vox")["backing vocal"] >= 0.2
    assert role_weights("Gtr")["acoustic guitar"] >= 0.2
    assert role_weights("Lead Vox").get("backing vocal", 0) == 0


def test_real_names():
    """Of 591 real ones 97 % speak; what they say is right in 94 %, in 99.5 % but for which of the singers it is."""
    with NAMES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert len(rows) == 591
    count = Counter()
    for row in rows:
        weights = role_weights(row["name"])
        if not weights:
            count["silent"] += 1
            continue
        best = max(weights, key=weights.get)
        right = {row["role"], *ALSO.get(row["role"], ())}
        count["said"] += 1
        count["right"] += best in right
        # "VOX 260" is a voice: which one, only the sound can tell.
        count["allowed"] += any(weights.get(role, 0) >= 0.2 for role in right)
    assert count["silent"] <= 17
    assert count["right"] >= 0.94 * count["said"]
    assert count["allowed"] >= 0.985 * count["said"]


def test_each_word_means_one_thing():
    words = Counter(word for text in MEANINGS.values() for word in {folded(word) for word in text.split()})
    assert [word for word, count in words.items() if count > 1] == []


def test_long_and_strange_names():
    assert role_weights("x" * 5000) == {}
    assert role_weights("a" * 3000 + "kick") is not None
    assert role_weights("\u202ekick\u202c") == {"kick": 0.97}
