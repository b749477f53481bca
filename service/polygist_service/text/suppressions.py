"""Abbreviations whose full stop often ends no sentence: CLDR's, and titles in languages that it has none of.

`SUPPRESSIONS` are the sentence break suppressions of the Unicode CLDR, taken from the npm package cldr-segments-full
46.1.0, segments/*/suppressions.json, under the Unicode License V3 (see NOTICE); what is not an abbreviation with a full
stop at its end was left out. Copyright 2004-2024 Unicode, Inc.
"""

# By language; a "_" stands for the space in an abbreviation, and each loses the full stop at its end.
SUPPRESSIONS = {
    "de": """
        A A.M Abs Abt Abw Adj Adr Akt Allg Alt App Apr Art Aug Ausg Ausschl B Bed Ben Ber Best Bibl C Ca Chin
        Chr Co D D._h Dat Dez Di Dim Dipl.-Ing Dipl.-Kfm Dir Do Dr Dtzd Einh Erf Evtl F F.f Fa Fam Feb Fn Folg
        Forts._f Fr Frl G Gebr Gem Geograph Ges Gesch Ggf Hbf Hptst Hr Hrn Hrsg I Inc Ing Inh Int J J.D Jahrh
        Jan Jr Kap Kfm Kl Konv Kop L Ltd M Max Mi Min Mind Mio Mo Mod Mrd Msp N Nov Nr O Obj Okt Op P P.M PIN
        Pfd Phys Port Prot Proz Qu R Rd Reg Reg.-Bez Rel Rep S.A Sa Schr Sek Sep Sept So Spezif St StR Std Str T
        Tel Temp Test Trans Tägl U U.S U.S.A U.U U._U Urspr Ursprüngl Verf Vgl W Wg Y Z Z._B Z._Zt Ztr a.D a.M
        a.Rh a.a.O a.a.S am amtl b beil d.J d.Ä e.V e.Wz e.h ehem eigtl einschl entspr erw ev evtl exkl frz geb
        gedr gek gesch gest ggf ggfs hpts i.A i.B i.H i.J i.R i.V inkl jew jhrl k._u._k k.u.k kath kfm kgl led
        m.E m.W mtl möbl n._Chr n.u.Z näml o.A o.B o.g od p.Adr r röm röm.-kath s s.a schles schweiz schwäb sog
        südd tägl u u.A.w.g u.U u._Z u.a u.v.a u.Ä u.ä v.Chr v.H v.R.w v.T v._Chr v._H v._u._Z v.u.Z verh verw
        vgl z z.B z.Hd z.Z zzgl österr
    """,
    "es": """
        A.C AA All Ant Av Avda Bien C C.P C.S C.V CA Col Comm Corp Cía D DC Da Desc Desv Dr Dra Drs Dto Dª Dña
        Em Emm Exc Excma Excmas Excmo Excmos Exma Exmas Exmo Exmos FF.CC Fabric Fr H.P Id Ilma Ilmas Ilmo Ilmos
        Inc JJ.OO K Kit Korn L Lcda Lcdo Lda Ldo Lic Ltd Ltda Ltdo M MM Mons Mr Mrs O.M PP R.D R.U RAM RR.HH Rdo
        Rdos Reg Rev Rol Rvdmo Rvdmos Rvdo Rvdos SA SS.AA SS.MM Sdad Seg Sol Sr Sra Sras Sres Srta Srtas Sta Sto
        Trab U.S U.S.A Var Vda a._C a._e._c abr afma afmas afmo afmos ago bco bol c/c cap cf cfr col d._C depto
        deptos dic doc dom dpto dptos dtor e._c e.g ed ej ene feb fig figs fund hnos jue jul jun licda licdo lun
        mar may mié ms mss mtro nov ntra ntro oct p.ej prof prov sept sras sres srs ss sáb trad v.gr vid vie vs
    """,
    "fr": """
        All C Comm D DC Desc Inc Jr L M MM Mart Op P P.-D._G P.O Prof S.A S.M.A.R.T U U.S U.S.A Var W acoust adr
        anc ann anon ap._J.-C append aux av._J.-C avr broch bull cam categ coll collab config dest dict dim dir
        doc déc encycl exempl fig févr gouv graph hôp ill illustr imm imprim indus janv jeu juil lun mar mer niv
        nov oct quart réf sam sept symb synth syst trav._publ ven voit éd édit équiv éval
    """,
    "it": """
        C.P Cfr D DC Geom Ing L Liv Ltd Mod N.B N.d.A N.d.E N.d.T O.d.G S.A.R S.M.A.R.T S.p.A Sig U.S U.S.A a.C
        ag all arch avv c.c.p d.C d.p.R div dott dr fig int mitt on p p.i pag rag sez tab tav ver vol
    """,
    "ru": """
        авг апр дек до_н._э кв н._э н.э нояб окт отд проф руб сент тел тыс ул февр янв
    """,
}

# Titles that many languages have from each other; with a capital only, as are others below that have one: without it
# they may be words.
SHARED_TITLES = "Dr Drs Prof Mr Mrs Ms St Mt Sen Gen Hon Ing Mag Mme Mlle Lt Col Sgt"
# By language: what stands before a name. From dictionaries' and style guides' lists, not tuned on any set.
TITLES = {
    "af": "dr prof mnr mev mej adv ds",
    "ar": "د أ ا م أ.د ا.د د.م",
    "ast": "Sr Sra Sres Dra D Dña",
    "az": "dr dos akad prof",
    "be": "праф акад дац вул пл св гр",
    "bg": "проф доц акад инж ул бул св ген полк г-н г-жа напр",
    "bn": "ড ডা ডাঃ মো মোঃ মি প্রফেসর",
    "bs": "dr prof mr g gđa gđica gđi sv ul npr tzv tj",
    "ca": "Sr Sra Srs Sres Srta Dr Dra Sta Mn Av Pl",
    "cs": "dr prof ing mgr bc judr mudr phdr rndr doc gen plk mjr kpt por npor sv pí tzv tzn např tj resp",
    "cy": "Dr Parch Bnr Bhmh Fns",
    "da": "dr hr fr frk prof adv ing skt bl.a f.eks dvs pga mht",
    "el": "δρ κ κα κ.κ κκ καθ αγ π.χ δηλ βλ",
    "et": "dr prof hr pr prl lp nt",
    "eu": "jn and dr",
    "fa": "د",
    "fi": "prof tri maist tht hra rva nti esim ns",
    "fil": "G Gng Bb Dr Dra Kgg",
    "fo": "dr hr frú",
    "gl": "Sr Sra Sres Srta Dr Dra D Dna",
    "gu": "ડૉ ડો પ્રો શ્રી સ્વ",
    "ha": "Dr Mal Alh",
    "hi": "डॉ डा प्रो पं श्री श्रीमती सुश्री कु मो स्व मि",
    "hr": "dr prof mr g gđa gđica sv ul npr tzv tj",
    "hu": "dr prof ifj özv id szt",
    "id": "dr drs dra ir prof Tn Ny Sdr jl",
    "is": "dr hr frk sr próf",
    "ka": "დოქტ პროფ აკად",
    "kk": "проф акад доц көш",
    "kn": "ಡಾ ಪ್ರೊ ಶ್ರೀ",
    "ky": "проф акад доц",
    "lb": "dr hr mme prof",
    "lt": "dr prof doc gerb pvz",
    "lv": "dr prof doc plkst piem",
    "mk": "проф доц акад инж ул бул св г г-ѓа",
    "ml": "ഡോ പ്രൊഫ ശ്രീ",
    "mr": "डॉ प्रा प्रो श्री श्रीमती सौ कु पं न्या सेंट",
    "ms": "dr prof Tn Ny jl",
    "ne": "डा डॉ प्रा प्रो श्री",
    "nl": "dr drs mr mw mevr dhr ir ing prof ds jhr bijv",
    "no": "dr hr fr frk prof adv bl.a f.eks dvs pga",
    "or": "ଡ ଡା ଡଃ ପ୍ରୋ ଶ୍ରୀ",
    "pa": "ਡਾ ਪ੍ਰੋ ਸ ਸ੍ਰੀ",
    "pl": "prof inż mgr gen płk ppłk mjr kpt ks św bp abp kard hab ul al np tzn tzw m.in",
    "ro": "dr prof ing dl dna d-l d-na d-ra d-lui col gen sf str bd acad",
    "sk": "dr prof ing mgr bc judr mudr phdr rndr doc gen plk mjr kpt por sv tzv tzn napr tj resp",
    "sl": "dr prof mag g ga gdč gospa sv npr t.i tj",
    "sq": "dr prof z znj zj",
    "sr": "др проф мр г гђа гђица св ул нпр тзв тј dr prof mr g gđa gđica sv ul npr tzv tj",
    "sv": "dr prof hr fr frk bl.a t.ex d.v.s dvs s.k",
    "sw": "Bw Bi Dk Dkt dk prof",
    "ta": "டாக்டர் திரு திருமதி பேரா",
    "te": "డా డాక్టర్ శ్రీ ప్రొ",
    "tr": "Dr Doç Yrd Prof Av Op Uzm Müh Sn Hz Öğr Gör Arş Org Alb Şt",
    "uk": "проф акад доц ім вул просп пл св гр ген полк напр",
    "ur": "ڈاکٹر",
    "vi": "TS GS PGS ThS Th.S BS ThS.BS TT TP LS KS",
    "xh": "Mnu Nksz Gqr umnu unksz ugqr",
    "zu": "Mnu Nksz Nkk Dkt umnu unksz unkk udkt",
}
# By language: what stands before a number.
REFERENCES = {
    "af": "nr bl par art",
    "bg": "стр чл ал бр гл т",
    "bs": "br str čl st",
    "ca": "núm pàg art fig vol",
    "cs": "č str čl odst",
    "da": "nr kl s stk art kap tlf ca jan feb aug sept okt nov dec",
    "el": "αρ σελ τηλ αριθ άρθ",
    "et": "nr lk tel",
    "eu": "zk or",
    "fi": "nro s klo n",
    "fo": "nr kl",
    "hr": "br str čl st",
    "hu": "kb pl",
    "is": "nr kl bls",
    "lt": "nr p tel",
    "lv": "nr lpp tel",
    "nl": "nr blz art afb hfst tel ca jan febr mrt aug sept okt nov dec",
    "no": "nr kl s art kap tlf ca jan feb aug sept okt nov des",
    "pl": "nr str art ust tel godz ok poz pkt rys",
    "ro": "nr pag art tel lit",
    "sk": "č str čl ods",
    "sl": "št str čl tel",
    "sr": "бр стр чл br str čl",
    "sv": "nr kl s art kap tel ca jan feb aug sept okt nov dec",
    "tr": "s no sf",
    "uk": "стор стр рис ст п табл",
}
