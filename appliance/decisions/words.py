"""Words that carry no name.

``COMMON`` words are never taken for a misheard name: "call" is not Carol, "person" not Pearson.
A name that is itself such a word ("Will", "May", "Grace") counts only where a request asks for it.
"""


def bag(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


TITLES = bag("mr mister mrs missus missis misses ms miss doctor dr professor prof sir madam")
ARTICLES = bag("the a an my your our his her their this that some any")
COURTESY = bag(
    """
    please hello hi hey yes yeah yep okay ok good morning afternoon evening day thanks
    thank you so well sorry kindly now just maybe then there sure very much and
    """
)
# After one of these, the next word is whom the caller wants ("to billing", "is alice there").
REQUEST = bag(
    """
    to with for is at in get reach see tell ask have let connect want need mean meant of
    called named about give call phone ring has does and or from pass transfer contact
    """
)

COMMON = (
    bag(
        """
    a able about above access account across act actually add address advice after
    afternoon again against age ago agree air all allow almost alone along already also
    always am among amount an and animal another answer any anybody anyone anything
    anyway appear apply appointment april are area around arrive as ask asked asking
    assist at august available away baby back bad bank be bear beat beautiful became
    because become bed been before began begin behind being believe below best better
    between big bill bit black block blue body book booking born both bother bottom box
    boy break bring broken brother brought build business busy but buy by call called
    caller calling came can cancel cannot car card care carry case cat catch cause cell
    cent certain chance change charge charged chat check child choose city claim clear
    clearly close closed cold collect come common company complain complaint complete
    computer connect connected connection consider contact continue contract control
    cool copy corner correct cost could couple course cover create cross cry current
    customer cut dad daily damage dark data date daughter day days dead deal dear
    december decide deep deliver delivery department desk dial did different difficult
    direct discuss do doctor document does dog doing dollar dollars done door double
    doubt down drive drop due during each ear early earth easy eat edge eight either
    eleven else email emergency end english enough enter error even evening ever every
    everybody everyone everything exact exactly example except expect explain extension
    eye face fact fall family far fast father february feel feet felt few fifteen fifty
    figure file fill final find fine finish fire first five fix floor follow food foot
    for forget forgot form forty forward found four free friday friend from front full
    fun further game gave general get give given glad go goes going gone good goodbye
    got great green ground group grow guess guy guys had half hand hang happen happened
    happy hard has have having he head health hear heard heart heat heavy held hello
    help her here hers herself hey hi high him himself his hit hold home hope hospital
    hot hour hours house how however human hundred hurry husband i idea if important in
    inform information inside instead interest internet into invoice is issue it its
    itself january job july june just keep kept key kid kind knew know known lady
    language large last late later least leave left less let letter letters level life
    light like likely line list listen little live load local locate located location
    lock log login long look looked looking lose lost lot loud love low machine mad made
    mail main make man manager many march matter maybe me mean meant meet meeting member
    men menu message met middle might mind mine minute minutes miss mistake mom moment
    monday money month months more morning most mother mouth move much music must my
    myself name named near nearly need needed needs never new news next nice night nine
    no nobody noise none noon nor not note nothing notice november now nowhere number
    numbers nurse o oclock october of off offer office often oh okay old on once one
    only onto open opening operator option or order other our ours out outside over own
    page paid paper part party pass password past patient pay payment people per perhaps
    person phone pick piece place plan plant play please plus point police poor possible
    post press pretty price print private probably problem process product public pull
    purchase push put question quick quickly quiet quite rain raise ran rather reach
    read ready real really reason receive received reception receptionist recently
    record red refund regard regarding regards remember repeat reply report request
    reservation rest return returning right ring road robot room round run running safe
    said same sat saturday save saw say saying school season seat second see seem seen
    sell send sense sent september serve service set seven several shall she shipping
    shop short should show shut sick side sign simple since single sir sister sit site
    six size sleep slow slowly small so some somebody someone something sometime
    sometimes son soon sorry sort sound speak speaking special spell spoke staff stand
    start started state status stay step still stop store story straight street strong
    stuff subject subscription such sudden suddenly sunday support supposed sure system
    table take taken talk talked talking team technical tell ten than thank thanks that
    the their them then there these they thing things think third thirty this those
    though thought thousand three through thursday ticket time times tired to today
    together told tomorrow tonight too took top total toward town train transfer travel
    tree trouble true try trying tuesday turn twelve twenty twice two under understand
    unit until up upon urgent us use used usual usually vary very visit voice wait
    waiting walk wall want wanted wants war warm was waste watch water way we weather
    website wednesday week weekend weeks well went were what whatever when where whether
    which while white who whoever whole whom whose why wife will wish with within
    without woman wonder wondering word words work worked working world worry worse
    would write wrong year years yes yesterday yet you young your yours yourself zero
    """
    )
    | TITLES
    | ARTICLES
    | COURTESY
    | REQUEST
)
