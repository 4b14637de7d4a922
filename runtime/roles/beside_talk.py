"""What music beside people who talk is for, by its name: a jingle that plays by itself, or a bed that they talk over.

Names of podcasts and broadcasts, in several languages. Beside instruments the same words say little ("Gtr intro"), so
they are asked for only where somebody talks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from .names import folded, words_of

_JINGLE_WORDS: Final = """
    jingle jingles intro intros outro outros intromusic outromusic introtheme opener openers opening closer
    closing theme themes thememusic themesong themetune sting stings stinger stingers bumper bumpers ident
    idents sweeper sweepers signaturetune tune logo audiologo soundlogo sonologo trailer teaser ad ads advert
    adverts commercial commercials promo sponsor vorspann abspann titelmusik titelmelodie erkennungsmelodie
    kennmelodie trenner einspieler werbung werbespot generique indicatif virgule virgules habillage publicite
    cabecera cortina cortinilla cortinillas entradilla sintonia careta rafaga rafagas anuncio anuncios
    publicidad publicidade vinheta vinhetas abertura encerramento sigla siglaapertura siglachiusura stacco
    stacchetto stacchetti pubblicita begintune eindtune vinjett signaturmelodi czolowka tylowka dzingiel reklama
    джингл заставка интро аутро реклама ジングル オープニング エンディング 片头 片尾 오프닝 엔딩
"""
_BED_WORDS: Final = """
    bed beds musicbed bedmusic underscore underscoring bgm bgmusic backgroundmusic musicbackground
    hintergrundmusik untermalung musikbett musikteppich klangteppich tapis tapissonore tapismusical fondsonore
    fondmusical cama camamusical fondomusical musicafondo musicadefondo trilha trilhadefundo fundomusical
    sottofondo sottofondomusicale tappetomusicale achtergrondmuziek bakgrundsmusik podklad подложка 背景音乐
"""
_JINGLES: Final = frozenset(map(folded, _JINGLE_WORDS.split()))
_BEDS: Final = frozenset(map(folded, _BED_WORDS.split()))


def says_jingle(name: str) -> bool:
    """Tell whether a name says that its music plays by itself: "Intro", "Jingle 2", "Vorspann"."""
    return bool(_phrases(name) & _JINGLES) and not says_bed(name)


def says_bed(name: str) -> bool:
    """Tell whether a name says that its music plays while somebody talks: "Music bed", "Fond sonore"."""
    return bool(_phrases(name) & _BEDS)


def _phrases(name: str) -> set[str]:
    """The words of a name, and each two and three in a row as one."""
    words = words_of(name)
    pairs = [first + second for first, second in pairwise(words)]
    return {*words, *pairs, *(pair + word for pair, word in zip(pairs, words[2:], strict=False))}
