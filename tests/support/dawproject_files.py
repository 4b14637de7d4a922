"""DAWprojects for tests: made of text, and checked against the format's rules.

The rules are those of the format's public schema (Project.xsd and MetaData.xsd 1.0 of Bitwig's repository), said in a
table of our own: which children an element has and in which order, which attributes, of which kind, and that every
reference has its aim. If MIXBRIDGE_DAWPROJECT_XSD names that Project.xsd, files are checked against it, too, for which
xmlschema has to be installed.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Strip
from mixbridge.presets.preset import Preset, Track

EQ = Equalizer(
    low_shelf=EqBand(gain_db=-3.2, freq_hz=90, q=0.7),
    band0=EqBand(gain_db=2, freq_hz=300, q=1.4),
    band1=EqBand(gain_db=-4.5, freq_hz=2500, q=3),
    band2=EqBand(gain_db=1.1, freq_hz=7000, q=0.5),
    band3=EqBand(freq_hz=13000),
    high_shelf=EqBand(gain_db=2.5, freq_hz=9000, q=0.6),
)
COMPRESSOR = Compressor(threshold_db=-22.5, ratio=3.3, attack_ms=12, release_ms=180, knee_db=6, makeup_db=2.5)
PRESET = Preset(
    tracks=(Track(name="lead", strip=Strip(input_gain_db=3, eq=EQ, compressor=COMPRESSOR, fader_db=-5, pan=0.4)),),
    master=Master(input_gain_db=-2, eq=EQ, compressor=COMPRESSOR, output_gain_db=1.5),
)

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_KINDS = {
    "string": re.compile(r"(?s).*"),
    "ref": re.compile(r"[^\s:]+"),
    "id": re.compile(r"[A-Za-z_][\w.-]*"),
    "bool": re.compile(r"true|false|1|0"),
    "int": re.compile(r"[+-]?\d+"),
    "double": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|-?INF|NaN"),
    "unit": re.compile(r"linear|normalized|percent|decibel|hertz|semitones|seconds|beats|bpm"),
    "time": re.compile(r"beats|seconds"),
    "device": re.compile(r"instrument|noteFX|audioFX|analyzer"),
    "band": re.compile(r"highPass|lowPass|bandPass|highShelf|lowShelf|bell|notch"),
    "role": re.compile(r"regular|master|effect|submix|vca"),
    "send": re.compile(r"pre|post"),
    "content": re.compile(r"((audio|automation|notes|video|markers|tracks)( |$))*"),
    "point": re.compile(r"hold|linear"),
    "expression": re.compile(
        "gain|pan|transpose|timbre|formant|pressure|channelController|channelPressure|polyPressure|pitchBend|programChange"
    ),
}
_NAMED = {"name": "string", "color": "string", "comment": "string"}
_REFERABLE = {**_NAMED, "id": "id"}
_TIMELINE = {**_REFERABLE, "timeUnit": "time", "track": "ref"}
_PARAMETER = {**_REFERABLE, "parameterID": "int"}
_REAL = {**_PARAMETER, "max": "string", "min": "string", "unit!": "unit", "value": "string"}
_BOOL = {**_PARAMETER, "value": "bool"}
_INT = {**_PARAMETER, "max": "int", "min": "int", "value": "int"}
_ENUM = {**_PARAMETER, "count!": "int", "labels": "string", "value": "int"}
_SIGNATURE = {**_PARAMETER, "denominator!": "int", "numerator!": "int"}
_DEVICE = {
    **_REFERABLE,
    "deviceID": "string",
    "deviceName!": "string",
    "deviceRole!": "device",
    "deviceVendor": "string",
    "loaded": "bool",
}
_PLUGIN = {**_DEVICE, "pluginVersion": "string"}
_MEDIA = {**_TIMELINE, "duration!": "double", "algorithm": "string", "channels!": "int", "sampleRate!": "int"}
_ANY = "Timeline|Lanes|Notes|Clips|ClipSlot|markers|Warps|Audio|Video|Points"
_DEVICES = "Device|Vst2Plugin|Vst3Plugin|ClapPlugin|BuiltinDevice|Equalizer|Compressor|NoiseGate|Limiter|AuPlugin"
_POINTS = "Point|RealPoint|EnumPoint|BoolPoint|IntegerPoint|TimeSignaturePoint"
_PARAMETERS = "parameter|RealParameter|BoolParameter|IntegerParameter|EnumParameter|TimeSignatureParameter"
_PARTS = "Parameters? Enabled? State?"

# Element, or parent/element where its kind depends on where it stands: attributes ("!" is required), children in order.
_RULES: dict[str, tuple[Mapping[str, str], str]] = {
    "Project": ({"version!": "string"}, "Application Transport? Structure? Arrangement? Scenes?"),
    "Application": ({"name!": "string", "version!": "string"}, ""),
    "Transport": ({}, "Tempo? TimeSignature?"),
    "Structure": ({}, "(Track|Channel)*"),
    "Track": ({**_REFERABLE, "contentType": "content", "loaded": "bool"}, "Channel? Track*"),
    "Channel": (
        {**_REFERABLE, "audioChannels": "int", "destination": "ref", "role": "role", "solo": "bool"},
        "Devices? Mute? Pan? Sends? Volume?",
    ),
    "Devices": ({}, f"({_DEVICES})*"),
    "Sends": ({}, "Send*"),
    "Send": ({**_REFERABLE, "destination": "ref", "type": "send"}, "Enable? Pan? Volume"),
    "Parameters": ({}, f"({_PARAMETERS})*"),
    "State": ({"path!": "string", "external": "bool"}, ""),
    "File": ({"path!": "string", "external": "bool"}, ""),
    "Equalizer": (_DEVICE, f"{_PARTS} Band* InputGain? OutputGain?"),
    "Band": ({"type!": "band", "order": "int"}, "Freq Gain? Q? Enabled?"),
    "Compressor": (
        _DEVICE,
        f"{_PARTS} Attack? AutoMakeup? InputGain? OutputGain? Ratio? Release? Threshold?",
    ),
    "NoiseGate": (_DEVICE, f"{_PARTS} Attack? Range? Ratio? Release? Threshold?"),
    "Limiter": (_DEVICE, f"{_PARTS} Attack? InputGain? OutputGain? Release? Threshold?"),
    "BuiltinDevice": (_DEVICE, _PARTS),
    "Device": (_DEVICE, _PARTS),
    **dict.fromkeys(("Vst2Plugin", "Vst3Plugin", "ClapPlugin", "AuPlugin"), (_PLUGIN, _PARTS)),
    "Arrangement": (_REFERABLE, "Lanes? Markers? TempoAutomation? TimeSignatureAutomation?"),
    "Lanes": (_TIMELINE, f"({_ANY})*"),
    "Clips": (_TIMELINE, "Clip*"),
    "ClipSlot": ({**_TIMELINE, "hasStop": "bool"}, "Clip?"),
    "Clip": (
        {
            **_NAMED,
            "time!": "double",
            **dict.fromkeys(
                (
                    "duration",
                    "playStart",
                    "playStop",
                    "loopStart",
                    "loopEnd",
                    "fadeInTime",
                    "fadeOutTime",
                ),
                "double",
            ),
            "contentTimeUnit": "time",
            "fadeTimeUnit": "time",
            "enable": "bool",
            "reference": "ref",
        },
        f"({_ANY})?",
    ),
    "Notes": (_TIMELINE, "Note*"),
    "Note": (
        {
            **dict.fromkeys(("time!", "duration!", "vel", "rel"), "string"),
            **dict.fromkeys(("channel!", "key!"), "int"),
        },
        f"({_ANY})?",
    ),
    "Markers": (_TIMELINE, "Marker+"),
    "Marker": ({**_NAMED, "time!": "double"}, ""),
    "Warps": ({**_TIMELINE, "contentTimeUnit!": "time"}, f"({_ANY}) Warp+"),
    "Warp": ({"time!": "double", "contentTime!": "double"}, ""),
    "Audio": (_MEDIA, "File"),
    "Video": (_MEDIA, "File"),
    **dict.fromkeys(
        ("Points", "TempoAutomation", "TimeSignatureAutomation"),
        ({**_TIMELINE, "unit": "unit"}, f"Target ({_POINTS})*"),
    ),
    "Target": (
        {
            "parameter": "ref",
            "expression": "expression",
            **dict.fromkeys(("channel", "key", "controller"), "int"),
        },
        "",
    ),
    "RealPoint": ({"time!": "string", "value!": "string", "interpolation": "point"}, ""),
    "BoolPoint": ({"time!": "string", "value!": "bool"}, ""),
    "TimeSignaturePoint": ({"time!": "string", "numerator!": "int", "denominator!": "int"}, ""),
    "Scenes": ({}, "Scene*"),
    "Scene": (_REFERABLE, f"({_ANY})"),
    **dict.fromkeys(("Tempo", "Volume", "Pan", "Freq", "Gain", "Q", "InputGain", "OutputGain"), (_REAL, "")),
    **dict.fromkeys(("Attack", "Ratio", "Release", "Threshold", "Range", "RealParameter"), (_REAL, "")),
    **dict.fromkeys(("Mute", "Enabled", "Enable", "AutoMakeup", "BoolParameter"), (_BOOL, "")),
    "IntegerParameter": (_INT, ""),
    "EnumParameter": (_ENUM, ""),
    **dict.fromkeys(("TimeSignature", "TimeSignatureParameter"), (_SIGNATURE, "")),
}
_METADATA = (
    "Title? Artist? Album? OriginalArtist? Composer? Songwriter? Producer? Arranger? Year? Genre? Copyright? "
    "Website? Comment?"
)


def faults(path: Path) -> list[str]:
    """What in a .dawproject breaks the format's rules."""
    with zipfile.ZipFile(path) as file:
        project = ElementTree.fromstring(file.read("project.xml"))
        metadata = ElementTree.fromstring(file.read("metadata.xml"))
        names = set(file.namelist())
    found = [fault for element in project.iter() for fault in _faults(element)]
    found += _schema_faults(path)
    identities = [element.get("id") for element in project.iter() if element.get("id")]
    found += [f"id {name} stands twice" for name in set(identities) if identities.count(name) > 1]
    references = ("track", "destination", "reference", "parameter")
    for element in project.iter():
        found += [
            f"{element.tag} refers to {element.get(name)}, which is not there"
            for name in references
            if element.get(name) and element.get(name) not in identities
        ]
        if element.tag == "File" and element.get("external") != "true" and element.get("path") not in names:
            found.append(f"{element.get('path')} is not in the zip")
    if metadata.tag != "MetaData" or not _children_fit(metadata, _METADATA):
        found.append("metadata.xml is not as it should be")
    return found


def write_project(path: Path, xml: str | bytes, files: Mapping[str, bytes | Path] | None = None) -> Path:
    """A .dawproject of this text (that within <Project>, or a whole file) with these files in it."""
    data = xml if isinstance(xml, bytes) else (xml if xml.startswith("<?xml") else project_text(xml)).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.xml", f"{HEAD}<MetaData>\n  <Title>Song</Title>\n</MetaData>\n")
        file.writestr("project.xml", data)
        for name, content in (files or {}).items():
            file.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return path


def project_text(inside: str) -> str:
    """A whole project.xml."""
    return f'{HEAD}<Project version="1.0">\n  <Application name="Test" version="1"/>\n{inside}\n</Project>\n'


def project_xml(path: Path) -> bytes:
    """The project.xml of a .dawproject."""
    with zipfile.ZipFile(path) as file:
        return file.read("project.xml")


def one_track(clips: str, unit: str = "seconds", more: str = "", bpm: float = 120) -> str:
    """A project of one track "Vox" and a master."""
    return f"""  <Transport>
    <Tempo unit="bpm" value="{bpm}" id="tempo"/>
  </Transport>
  <Structure>
    <Track contentType="audio" loaded="true" id="t1" name="Vox" color="#A2EABF">
      <Channel audioChannels="2" destination="mc" role="regular" solo="false" id="c1">
        <Mute value="false" id="m1" name="Mute"/>
        <Pan max="1.000000" min="0.000000" unit="normalized" value="0.250000" id="p1" name="Pan"/>
        <Volume max="2.000000" min="0.000000" unit="linear" value="0.5" id="v1" name="Volume"/>
      </Channel>
    </Track>
    <Track contentType="audio" loaded="true" id="t9" name="Master">
      <Channel audioChannels="2" role="master" solo="false" id="mc">
        <Volume max="2.000000" min="0.000000" unit="linear" value="1.0" id="v9" name="Volume"/>
      </Channel>
    </Track>
  </Structure>
  <Arrangement id="a">
    <Lanes timeUnit="{unit}" id="l">
      <Lanes track="t1" id="l1">
        <Clips id="cl">{clips}</Clips>{more}
      </Lanes>
    </Lanes>
  </Arrangement>"""


def audio(path: str = "audio/a.wav", rate_hz: int = 8000, external: bool = False, more: str = "") -> str:
    """An <Audio> of one channel, with more attributes."""
    outside = ' external="true"' if external else ""
    return f'<Audio channels="1" duration="10" sampleRate="{rate_hz}" {more}><File path="{path}"{outside}/></Audio>'


def _schema_faults(path: Path) -> list[str]:
    schema = os.environ.get("MIXBRIDGE_DAWPROJECT_XSD")
    if not schema:
        return []
    import xmlschema

    return [str(error.reason) for error in xmlschema.XMLSchema(schema).iter_errors(project_xml(path).decode())]


def _faults(element: Element) -> Iterator[str]:
    if element.tag not in _RULES:
        yield f"<{element.tag}> is unknown"
        return
    attributes, children = _RULES[element.tag]
    known = {name.rstrip("!"): kind for name, kind in attributes.items()}
    for name, value in element.attrib.items():
        if name not in known:
            yield f"<{element.tag}> has no attribute {name}"
        elif not _KINDS[known[name]].fullmatch(value):
            yield f'<{element.tag} {name}="{value}"> is no {known[name]}'
    for name in attributes:
        if name.endswith("!") and name[:-1] not in element.attrib:
            yield f"<{element.tag}> lacks {name[:-1]}"
    if not _children_fit(element, children):
        yield f"<{element.tag}> holds {[child.tag for child in element]}, not {children or 'nothing'}"


def _children_fit(element: Element, rule: str) -> bool:
    """Whether children stand as a rule says, which is a regular expression of names."""
    pattern = re.sub(r"\w+", lambda name: f"(?:{name[0]},)", rule).replace(" ", "")
    return re.fullmatch(pattern, "".join(f"{child.tag}," for child in element)) is not None
