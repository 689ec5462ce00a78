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
    leave send inform remind notify like than
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

ORDINARY = COMMON | bag(
    """
    absolutely accept accident acid actual admin advert advertise advertisement adviser
    advisor affirmative affordable afraid agency agent agreed aha ahead aid airport alarm
    alive alright amazing ambulance animals answered answering answers anymore anywhere app
    apple application applied appointments appreciate appreciated approved arm arrange
    arrived assistance assistant ate attack attacked attacking attendant attention audio auf
    aunt automation availability awake award awful aye badge badly bag balance banana barely
    bark barking barrier based basement basically beach becoming beep beg behalf bet biggest
    billed bingo bird birds birthday bitcoin bleach bleeding blocked blood boat boiler bomb
    booked boost borrow boss bot bots bought brakes bread breaking breathe breathing brigade
    brightness brochure broke budget building built bulk burger burglar burning businesses
    button buying buys buzz bye cake calendar callback calls campaign cancellation cancelled
    capital cards cars cart cash catalogue cats caught center central certainly chair
    changed charity cheap cheaper cheers cheese chemicals chest children choices choking
    chosen christmas cinema circumstances clarify clarity cleaner cleaning clearer clerk
    clever click clinic clock closes closing club code coffee collapsed colleague colleagues
    collecting colour comes coming companies complicated compromised computers concern
    concerning conducting conference confirm confirmed confused congratulations consult
    consultation contacting convenience correction correctly costs counter country courier
    coworker crashing created credit cruise crushed crypto cup customers cute cutting daddy
    damaged dance darling dates deadline deaf dealing deals death debit debt decides
    decision decline definitely delay delete delivered demo demonstration details detector
    dialled diary die difficulties difficulty digital directions disagree disappointed
    disconnected discount discounted display disregard distracted disturb dock documents
    dogs donate doors drank drawn dream drill dripping driver dropped dropping drowning
    dryer dying earlier earliest earn easter eggs election electricity elephant elevator
    emailed emails employee employees employment ending ends energy engine engineer enjoy
    enquire enroll enrolling errors essay estimate eve event everest everywhere examined
    excellent exchange exclusive excuse exit expected expecting expects expire expired
    explosion ext extinguishers extra facing fainted fallen false farewell fat fault faulty
    favourite fee fell fence fetch film finished fireplace firm fish fit fits fitting fixed
    flat flu fluid fly flying folks following football french fridays fridge friendly frozen
    fund funds funny gap garage garden gas gate gentleman german gets getting ghosts gift
    giraffe girl gladly god gold government grab grandmother grant grey guarding guidance
    gun hacked hacker hallo halt handle handles hanging hardly hat hate hearing heater
    heating heavens hell helped helpful helping helps holding holiday holidays honey hook
    hoping horoscope horse hosting huh humans hurt ignore immediately impressive income
    incorrect increase indeed individual infected info injured inspect inspection installing
    instructions interested interesting internal internship interview investment item jazz
    jobs joining joke journalist keeps keys kids kill knife knows ladder lake languages law
    lawsuit lawyer leads leak leaking learn lease leg license lift lighting lights likes
    limited link listed listening listing listings loan loans lobby locked longer looks
    lottery louder lovely lower lowering lunch lying machines magazine magnets mailbox maker
    makes manage manned market marry match may meaning means measure measured mechanic
    medical medication medicine mend mending mention merry messages meter mhm midnight milk
    minus misdialled misheard missed missing mistaken misunderstood mixed mobile model
    modern mommy mondays monkey moon mount mouse moved moving mum mute nah naturally
    navigate nearest necessary negative neighbour neither newsletter newspaper noisy non
    nonsense nope normally noticed object objections oil oldest online opened openings opens
    operate opinion opportunity options ordering overcharged overdose overpaying owe owner
    package pain pains painted pallet panels papers paramedic parcel pardon park parked
    parking passed patch paying pen pencil percent perfect personal phoned phones phoning
    picked picking pills pipe pirate pizza pizzas placed placing planes planned platform
    pleasant pleased pleasure plumber poem poison policy polite politics poll pope position
    positions positive possibility possibly postpone postponed potato pre precisely prefer
    premium prescription president pressed pretend previous prices prize problems proceed
    products program programmed project promised promotion prompt proposal protected
    protection provide provider pulled pulse pump purchases purple quarter queen query
    questions quickest quit quote radio rains rainy ramp rang ranking rat rate rates
    reachable reached rebook receipt recipes recorded recording records redirect redo refers
    refill refuse register registered registering regrettably relates relative relay release
    relief religion reminder remote removed renewed repaired repeating replay reporter
    representative representing require reschedule reserve resetting responding responsible
    restate restaurant results resume reveal revenue reviews reward riddle ringing rings
    robbed robots roof rooms route router row rubble rude rules rush sadly safety sale salt
    sample sang saturdays saving savings says schedule scheduled schooling score screen sea
    search sec secret secretary seeing seek seems seizure selected selling sending seriously
    settle shift shipment shoes shooter shooting shopping shot shuts shutting signature
    signing silver simply sing singer sits skip sky slip slot slots slower smart smell smoke
    soap social software solar solutions solved somewhere song sounds soup source space
    spanish spare spelled spelling spilling spoken sponsor sponsorship squeeze stabbed
    staffed stairs standing starting statement static station staying stick stocks stolen
    stopped storm strange strike stroke stuck sun sundays sunny super supervisor supplier
    suppliers supply suppose surely survey suspended swallowed sweetie swim switch
    switchboard takes taking tall tallest tap tax taxi teacher technician telephoned
    telephoning television temperature terminate terminating terrible test testing text
    thousands threatening threatens till timer timeshare timetable tire toilet totally touch
    tracking traffic trained trains transferred translate trapped treatment trial tried trip
    truck type umbrella unclear unconscious understood undo unfortunately unfriendly unhappy
    unicorns unpaid unrestricted update upstairs urgently useless user vacancies vacancy
    vacation vehicle verified verify veterans viewing virus visiting visitor voicemail
    volume wake waking wallet wanna wanting warranty washing watched weapon wear web
    weekends weird wet whenever win window windows windy wins won wonderful works worried
    wow wrongly wrote yah yellow yup
    """
)
"""More words that are nobody's surname when they stand beside a first name. Unlike common ones, a
misheard name may look like one of them."""
