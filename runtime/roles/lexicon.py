"""Words that people name tracks with, in a dozen languages, by what they mean.

Words are lower case, without accents and without spaces where several form one ("bassdrum" stands for "bass drum",
too); "k in" with its space is two words of a name. :mod:`.names` says what words mean together.
"""

from __future__ import annotations

from typing import Final

MEANINGS: Final[dict[str, str]] = {
    # The drum kit.
    "kick": """kick kicks kik kck kickdrum bassdrum basedrum bd kd subkick kicksub kickin kickout kin kout
        grossecaisse grossecaiss bombo bumbo cassa grancassa cassagrande grossetrommel fusstrommel bastrumma bastrom
        stopa basdrum bombolegero бочка キック バスドラム 底鼓 gc""",
    "snare": """snare snares snr snaredrum sn sd sna rimshot rim rimclick sidestick crossstick caisseclaire caja
        tarola redoblante redoblant caixa rullante kleinetrommel schnarrtrommel virvel virveltrumma werbel малый
        рабочий スネア 军鼓 cc""",
    "tom": """tom toms tomtom tomtoms racktom rack racks floor floortom flrtom fltom ft flr standtom haengetom hangetom
        tombasse tomalto tommedium tomaigu tombajo tomdepiso tomdechao goliat surdo puka タム timpano том томы напольный
        напольныйтом""",
    "hi-hat": """hat hats hh hihat hihats highhat hht hhat closedhat openhat charley charleston charly charles
        contratempo chimbal hihatt hajhet хэт хайхэт ハイハット contratiempo хет хайхет""",
    "cymbal": """cymbal cymbals cym cyms cymb crash crashes ride rides china splash becken crashbecken ridebecken
        cymbale cymbales platillo platillos prato pratos piatto piatti cymbaler blachy тарелки シンバル""",
    "overhead": """overhead overheads oh ohs ovh ovhd overh aereos aereo aeriens panoramici uberkopf overheadmics
        оверхед オーバーヘッド over1 over2 overs overl overr overesq overdir overizq overder oversx overdx overleft
        overright оверы оверхэд""",
    "percussion": """percussion percussions perc percs prc percussao percusion percussioni perkussion perk perkusja
        slagwerk shaker shakers shk shaka cabasa maraca maracas tamb tambourine tambourines tambo tmb tamburin tamburim
        pandero pandereta pandeiro tamburello tambourin schellenkranz conga congas bongo bongos timbale timbales djembe
        cajon cajun tabla tablas udu darbuka darabuka clap claps handclap handclaps klatschen palmas clapping snap snaps
        fingersnap fingersnaps cowbell cowbells agogo woodblock woodblocks block triangle triangel triangolo triangulo
        guiro clave claves vibraslap chime chimes barchimes windchimes bell bells sleighbells timpani pauke pauken
        timbal taiko steeldrum steeldrums steelpan gong cuica cuatrodrum handdrum handdrums framedrum bodhran castanets
        ganza reco stomp stomps footstomp toppers перкуссия パーカッション tamborim zabumba repique repinique battimani
        battitimani rassel timp timps хлопки хлопок бубен шейкер конги бонго тамбурин""",
    "drums": """drum drums dr drs drm drms drumkit drumset kit schlagzeug trommel trommeln batterie bateria batteria
        drumloop drumbus drummachine beat beats break breakbeat breaks beatbox loop loops trummor perkusyjny bebny
        tambores tambor tamburi slagverk ударные барабаны ドラム 鼓 드럼""",
    # Basses.
    "bass": """bass basses bas bs bassgtr bassgt bassguitar gtrbass guitarbass bassgitarre basgitaar elbas basgitarr
        ebass basse basseelectrique bajo basso baixo contrabaixo contrabajo contrabbasso contrebasse kontrabass
        kontrabas doublebass uprightbass upright standup standupbass contrabass synthbass basssynth moogbass subbass sub
        reese acidbass bassline bassdi bassamp basguitar basowa бас 808 ベース 贝斯 베이스 контрабас басгитара wobble
        wobbles""",
    # Guitars: of any kind, then kinds.
    "guitar": """guitar guitars gtr gtrs gt gts guit git gitar gitarre gitarren guitare guitares guitarra guitarras
        chitarra chitarre gitaar gitarr gitara gitary kitara gtar gui гитара ギター 吉他 기타""",
    "electric guitar": """electricguitar electricgtr elecgtr elgtr egtr egt eguitar egitarre egit elgitarr elgit
        stratocaster strat telecaster tele lespaul rickenbacker leadgtr leadguitar gtrsolo guitarsolo pedalsteel
        lapsteel steelguitar slideguitar distgtr powerchords powerchord chugs palmmute riff riffs leslieguitar
        marshall mesa twinreverb guitarrabase guitarraritmo электрогитара""",
    "acoustic guitar": """acousticguitar acousticgtr acgtr acgt acgit acougtr agtr agt aguit aguitar agitarre
        westerngitarre konzertgitarre wandergitarre folkguitar nylonguitar nylon nylongtr steelstring twelvestring
        12string violao ukulele ukelele uke banjo mandolin mandoline mandolina mandolino bandolim cavaquinho bouzouki
        dobro charango spanishguitar classicalguitar flamencoguitar requinto cuatro акустика guitareseche guitarefolk
        акустическаягитара""",
    # Keys and synths.
    "keys": """keys key keyz kys keyboard keyboards kbd keyb piano pianos pno pianoforte grandpiano grand uprightpiano
        klavier flugel fluegel epiano elpiano electricpiano ep rhodes rhds fenderrhodes wurlitzer wurli wurly wurlz wrlz
        wurl organ organs org orgel orgue organo orgao hammond hmnd leslie farfisa voxcontinental clav clavinet clavi
        clavier clavecin harpsichord cembalo clavicembalo cravo celesta celeste teclado teclados tastiera tastiere
        piyano toets toetsen claviers accordion akkordeon accordeon acordeon acordeao fisarmonica musicbox glockenspiel
        glock xylophone xylofon marimba vibraphone vibes vibrafon melodica harmonium mellotron toypiano dulcimer kalimba
        клавиши пианино ピアノ キーボード 钢琴 피아노 sanfona рояль орган баян аккордеон клавишные электропиано xylo""",
    "pad": """pad pads synthpad padsynth warmpad flache flachen flaeche flaechen nappe nappes colchon tappeto drone
        drones texturepad пад пэд подклад""",
    "lead synth": """leadsynth synthlead leadsyn synlead sawlead squarelead arp arps arpeggio arpeggiator pluck plucks
        seq sequence sequencer stab stabs hook topline supersaw sawstack synthstack supersawstack supersaws""",
    "synth": """synth synths syn synt synthe synthesizer synthesiser synthi sintetizador sinte sintetizzatore sy moog
        minimoog minilogue juno jupiter prophet serum massive nord dx7 microcosm melody melodie melodia synthesizers
        синтезатор シンセ синт синты""",
    # Orchestra.
    "strings": """string strings str strs strngs violin violins vln vlns vl violine violinen geige geigen violon
        violons violino violini violines fiddle viola violas vla vlas bratsche bratschen cello celli cellos vcl vlc
        violoncello violoncelle violonchelo violoncelo streicher streich cordes cuerdas archi cordas strykare smyczki
        orchestra orchester orchestre orquesta orquestra harp harfe harpe arpa harpa quartet streichquartett
        contrabassi pizz pizzicato spiccato strijkers скрипка струнные ストリングス альты виолончель скрипки""",
    "brass": """brass brasses brs horn horns hrn frenchhorn waldhorn cor trumpet trumpets tpt trp trpt trompeten
        trompette trompettes trompeta trompetas trompete tromba trombe trombone trombones trb tbn tbone posaune posaunen
        trombon tuba euphonium flugelhorn fluegelhorn cornet blaser blaeser blech blechblaser cuivres metales metais
        ottoni fiati hornsection brasssection basstrombone blasare труба медные ブラス sopros vientos hn hns трубы
        тромбон тромбоны валторна духовые""",
    "woodwind": """woodwind woodwinds ww winds sax saxes saxo saxophone saxophon saxofon saxofone sassofono altosax
        tenorsax barisax baritonesax sopranosax altsax asax tsax flute flutes floete flote floten flauta flauto flauti
        fl querflote piccolo clarinet clarinets cl klarinette clarinette clarinete clarinetto bassclarinet oboe oboen
        hautbois bassoon fagott basson fagot fagote fagotto englishhorn coranglais recorder blockflote whistle
        tinwhistle harmonica mouthorgan mundharmonika armonica gaita bagpipe bagpipes dudelsack panflute shakuhachi
        holzblaser bois maderas madeiras legni саксофон флейта サックス フルート quena bsn picc флейты кларнет
        гобой фагот""",
    # Voices.
    "voice": """vox voxs vocal vocals voc vocs vocl voice voices singer singers sing singing gesang stimme stimmen
        sanger sangerin vokal vokals voix chant chanteur chanteuse chante voz voces vozes cantante cantor cantora
        vocale vocali voce voci canto zang zangeres sang sangare wokal wokale spiew
        вокал голос ボーカル 歌 人声 보컬""",
    "lead vocal": """leadvox leadvocal leadvocals leadvoc leadvoice leadvoix ldvox ldvoc ldv lvox lvoc lv mainvox
        mainvocal mainvoc hauptgesang leadgesang hauptstimme leadstimme voixlead voixprincipale chantprincipal chantlead
        vozprincipal vozlider vozlead vozsolista voceprincipale vocesolista vocelead rap raps rapper leadsinger leadzang
        leadsang leadwokal acapella acappella рэп рэпер основнойвокал вокалосновной ведущийвокал лидвокал""",
    "backing vocal": """backingvocal backingvocals backingvox backingvoc bgv bgvs bgvox bgvoc bgvocal bgvocals bv bvs
        bvox bvoc bkv bkvox bckvox backvox backvoc backvocals backgroundvocals backgroundvox bvx choir choirs choeur
        choeurs chor chore coro coros cori coral hintergrundgesang backgroundgesang begleitgesang zweitstimme backings
        bgs secondavoce segundavoz segundavoce coristas chorist oohs oohsaahs aahs ooh aah gangvocals gangvox gang gangs
        adlib adlibs stacks stack harmonyvox koor kor chorki doos vocoder хор бэк бэки コーラス 合唱 vocalapoio apoio
        zweitestimme drittestimme controcanto vocalchop vocalchops voxchop voxchops vocchop vocchops подпевка
        подпевки""",
    "speech": """speech spoken spokenword speaker speakers narration narrator narrations vo voiceover voiceovers dialog
        dialogs dialogue dialogues podcast podcaster host hosts cohost guest guests interview interviewer interviewee
        presenter announcer commentary commentator lecture lecturer talk talking sermon pastor preacher anchor sprecher
        sprecherin sprache moderation moderator moderatorin erzahler erzahlerin erzaehler kommentar gast vortrag
        hoerbuch horbuch audiobook narrateur voixoff animateur animatrice invite presentateur intervenant locutor
        locutora locucion locucao vozenoff vozoff narrador narradora entrevistado entrevistador invitado invitada
        presentador apresentador convidado narratore narratrice ospite conduttore vocefuoricampo parlato vocenarrante
        intervista presentatore lav lavs lavalier lapel mc emcee adr gesprach dialogo dialoghi диктор речь ナレーション
        ведущий ведущая гость гостья собеседник boommic boompole""",
    # Neither.
    "effect": """fx fxs sfx efx effect effects effekt effekte effet effets efecto efectos efeito efeitos effetto
        effetti riser risers sweep sweeps swoosh whoosh impact impacts downlifter uplifter uplift downlift noise
        noises foley atmo atmos texture textures soundscape soundscapes transition transitions reversefx glitch
        glitches zap boom booms bruitage gerausch geraeusch geraeusche ruido rumore crowd applause audience publikum
        publico pubblico эффекты 効果音 wildtrack wildtracks natsound natsounds nats birds traffic street эффект""",
    "return": """reverb reverbs verb rvb rev revb delay delays dly echo echoes riverbero reverberation rtn return
        returns throw throws nachhall reverberacion""",
    "full mix": """fullmix mix mixdown mixes stereomix twomix 2mix 2trk twotrack 2track master mastered premaster
        masters roughmix rough demo playback backingtrack instrumental karaoke fullsong song gesamtmix summe mezcla
        mistura mixage bounce mainmix minusone music musik musique musica musicbed soundtrack ost bgm jingle jingles mx
        muzyka muziek музыка минус минусовка""",
    # What plays beside a song and is no part of it.
    "click": """click clicks clicktrack clicktrk clk klick klicktrack clic clics pistaclic metronome metronom metronomo
        metronomos claqueta claquette metronoom metronoomi метроном клик メトロノーム クリック""",
    "trigger": """sctrigger sctrig scsource sckey sidechain sidechains sidechaintrigger sidechaintrig sidechainkick
        sidechainsource ghostkick ghostkicks kickghost""",
    "timecode": "timecode timecodes smpte ltc mtc fsk codetemporel codigodetiempo",
    "talkback": """talkback talkbacks talkbackmic tbk tbmic slate slates slatemic listenmic shoutmic intercom comms
        countin countins countoff guidecues spokencues kommandomikro""",
    "reference": """reference references ref refs reftrack refsong refmix referencetrack referencesong referencemix
        referenz referenzen referenzmix referencia referencias riferimento riferimenti referentie референс""",
    # What changes the meaning of the word beside it.
    "lead": """lead leads ld leed main principal principale principales solo soli solist solista solistin haupt
        primary соло основной основная""",
    "backing": """backing back bg bgr bkg bk bck backg background backup harmony harmonies harmonie harmonien harmonia
        armonia armonias harm harms hrm hintergrund begleit secondary second choruses bgd бэкинг""",
    "double": """double doubles dbl dbls doubled doublage doppel doppelt doblaje doppia doppio dobra dobladas
        doubler dopplung dopplungen doppelung raddoppio raddoppi dobl dobla doblada doblado doblados dobr dobras
        dobrada doublure doublures dubl dubel dublagem дабл даблы дубль""",
    "acoustic": """acoustic acoustics acou acous acoust ac act acu akustik akustisch akustische acoustique acustica
        acustico acoustical unplugged strum strums strumming akoestische akustisk""",
    "electric": """electric elec elect elek elektrik elektrisch elektrische electrique electrica electrico eletrica
        elettrica elettrico el dist distorted distortion verzerrt crunch clean overdrive od heavy rhythm rhy rhyth
        rythm rhythmus rythmique ritmica ritmo fuzz amp tb""",
    # A letter: of a voice in "mV1" and "LdV3", of a version in "Bass v2".
    "v": "v",
    "room": """monodr monodrum monodrums monokit room rooms rm rms amb ambi ambience ambiance ambient ambients raum
        raumlich ambiente ambientes ambienza stanza sala salle piece kamer rum pokoj farmic farmics roomtone raumton
        комната рум halll hallr hallmic hallmics hallleft hallright hallli hallre""",
    "part": """alti sop soprano sopran sopranos alto altos alt tenor tenors tenore tenori baritone bariton baritono
        sopranino""",
    # What says nothing of the role, but is known as a word: so that "BassDICons" can be taken apart.
    "nothing": """hall send in out top bot bott bottom btm up down under over inside outside in1 batter beater port hole
        comp comps cmp cons dup take takes tk edit edits edited final fin new old raw dry wet tape cut part parts vers
        version copy kopie copie copia st ste stereo mono2 left right lft rgt links rechts gauche droite izq izquierda
        der derecha sinistra destra sx dx esq esquerda direita hi lo low high mid middle close far near wide inner outer
        di dis cab cabinet mic mics mike micro mikro microfono line track tracks trk audio wav bus buss group grp sum
        aux print prints rec recording sm beta md re ribbon condenser dyn neumann telefunken akg shure senn sennheiser
        royer coles elam crap toy sm57 sm58 sm7 u47 u67 u87 c414 r84 md421 km184 verse vrs verso strophe chorus chorusfx
        cho ch bridge intro outro refrain refrao estribillo ritornello build fill drop pre post vamp vmp hookpart phaser
        flanger cleaner tight dark bright big small fast slow hvy soft hard single stick quad trip ms xy ab lr ortf atom
        morgan organic scratch guide scr hp lp eq compressed processed unprocessed orig original alternate altn stems
        guia arriba abajo cima esteira sopra sotto dessus dessous oben unten верх верхний низ нижний внутри снаружи
        dentro fuori fora innen aussen dedans dehors лево право левый правый""",
}
