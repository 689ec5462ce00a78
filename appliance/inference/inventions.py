"""What Whisper says when nobody spoke, and how to tell."""

import re
import unicodedata

from appliance.inference.protocols import TranscriptSegment

# Learnt from subtitles, in any language: never said to a switchboard.
_NEVER_SAID = frozenset(
    {
        "thank you for watching", "thanks for watching", "thank you so much for watching",
        "thank you very much for watching", "thanks for watching and see you next time",
        "thank you for watching please subscribe", "thanks for listening", "please subscribe",
        "please subscribe to my channel", "please subscribe to the channel", "like and subscribe",
        "dont forget to subscribe", "dont forget to like and subscribe", "see you next time",
        "see you in the next video", "ill see you in the next video", "well be right back",
        "transcription by castingwords", "transcribed by", "to be continued", "the end",
        "music", "applause", "silence", "blank audio", "laughter", "no speech", "inaudible",
        "foreign", "music playing", "background noise", "beep", "phone ringing", "dial tone",
        # German
        "vielen dank fürs zuschauen", "danke fürs zuschauen", "bis zum nächsten mal",
        "vielen dank für ihre aufmerksamkeit", "copyright wdr 2021", "musik", "applaus",
        "untertitelung des zdf 2020", "untertitelung im auftrag des zdf für funk 2017",
        "untertitel im auftrag des zdf für funk 2017", "swr 2020", "swr 2021",
        # French
        "merci davoir regardé", "merci davoir regardé cette vidéo", "abonnezvous",
        "abonnezvous à la chaîne", "soustitrage société radiocanada", "soustitrage st 501",
        "musique", "applaudissements", "à bientôt pour une nouvelle vidéo",
        # Spanish, Portuguese, Italian
        "gracias por ver el video", "gracias por ver el vídeo", "suscríbete al canal", "suscríbete",
        "hasta la próxima", "música", "aplausos", "obrigado por assistir", "inscrevase no canal",
        "grazie per aver guardato il video", "grazie per la visione", "iscriviti al canale",
        "sottotitoli e revisione a cura di qtss", "musica",
        # Dutch, Scandinavian, Polish, Turkish
        "bedankt voor het kijken", "tv gelderland 2021", "muziek", "tack för att ni tittade",
        "tack för att du tittade", "tak fordi du så med", "takk for at du så på", "musikk",
        "dziękuję za oglądanie", "dzięki za oglądanie", "altyaz\u0131 mk",
        "izlediğiniz için teşekkürler", "izlediğiniz için teşekkür ederim",
        # Russian
        "продолжение следует", "субтитры сделал dimatorzok", "субтитры создавал dimatorzok",
        "спасибо за просмотр", "спасибо за внимание", "подписывайтесь на канал", "музыка",
        # Chinese, Japanese, Korean
        "谢谢观看", "感谢观看", "謝謝觀看", "字幕by索兰娅", "字幕志愿者杨茜茜",
        "请不吝点赞订阅转发打赏支持明镜与点点栏目",
        "ご視聴ありがとうございました", "最後までご視聴頂きありがとうございました",
        "チャンネル登録お願いします",
        "시청해주셔서 감사합니다", "구독과 좋아요 부탁드립니다", "mbc 뉴스 이덕영입니다",
        "다음 영상에서 만나요",
    }
)  # fmt: skip
# Credits, whoever they name.
_CREDITS = re.compile(
    r"amara ?org|castingwords|otter ?ai|dimatorzok|^(?:sub)?titles? (?:by|provided)|"
    r"^(?:sub)?titled by|^captions? by|^(?:transcript|transcription|translation|translated) by|"
    r"^untertitel(?:ung)? (?:von|der|des|im)|^sous ?titres? (?:par|réalisés|fait)|"
    r"^subtítulos (?:por|realizados|creados)|^sottotitoli (?:di|creati|a cura)|"
    r"^legendas (?:por|pela)|^ondertitel(?:d|ing|s) (?:door|ingediend)|^undertexter (?:av|från)|"
    r"^tekstet av|^napisy (?:stworzone|przez)|^субтитры|^редактор субтитров|^字幕|https? ?www|^www "
)
# Said by callers too: only believed from a model that is sure of it.
_OFTEN_INVENTED = frozenset(
    {
        "thank you", "thanks", "thank you very much", "thank you so much", "you", "bye", "bye bye",
        "okay", "ok", "so", "the", "and", "i", "oh", "uh", "um", "hmm", "mm", "well", "danke",
        "vielen dank", "tschüss", "merci", "gracias", "grazie", "obrigado", "bedankt", "tack",
        "спасибо", "谢谢", "ありがとうございました", "감사합니다",
    }
)  # fmt: skip
# Sounds that subtitles describe: [Music], (phone rings), *coughs*, ♪ la la ♪.
_DESCRIBED = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]+\*|[♩♪♫♬][^♩♪♫♬]*[♩♪♫♬]?|<[^>]*>")

_HIGHEST_COMPRESSION = 2.4  # Whisper's own limit: above it the text repeats itself
_LIKELY_NO_SPEECH = 0.6  # Whisper's own limit, which it applies only to unsure text
_UNSURE_LOGPROB = -1.0
_RUBBISH_LOGPROB = -2.0

# Nobody speaks faster: people in a hurry reach 6 words or 30 letters a second. The constants leave
# room for a span that was cut tightly.
_WORDS_A_SECOND, _WORDS_ANYWAY = 8.0, 2.0
_LETTERS_A_SECOND, _LETTERS_ANYWAY = 35.0, 12.0

# "no no no" is said, and so are seven fives; a phrase four times over is a loop.
_MOST_PHRASES = 3
_MOST_WORDS_ALIKE = 9
_LONGEST_PHRASE = 8


def why_not_believed(segment: TranscriptSegment) -> str:
    """Why a segment is to be dropped; empty when it is to be kept."""
    if segment.text and not _plain(_DESCRIBED.sub(" ", segment.text)):
        return "describes a sound"
    words = _plain(segment.text)
    said = " ".join(words)
    unsure = segment.avg_logprob < _UNSURE_LOGPROB
    if segment.compression_ratio > _HIGHEST_COMPRESSION:
        return f"repeats itself (compression ratio {segment.compression_ratio:.1f})"
    if _loops(words):
        return "repeats itself"
    if said in _NEVER_SAID or said.replace(" ", "") in _NEVER_SAID or _CREDITS.search(said):
        return "a known invention"
    if said in _OFTEN_INVENTED and (unsure or segment.no_speech_prob > _LIKELY_NO_SPEECH):
        return "often invented, and not certain here"
    if unsure and segment.no_speech_prob > _LIKELY_NO_SPEECH:
        return f"probably no speech ({segment.no_speech_prob:.2f})"
    if segment.avg_logprob < _RUBBISH_LOGPROB:
        return f"the model does not believe it itself ({segment.avg_logprob:.1f})"
    return _too_fast(words, segment.end_s - segment.start_s)


def _plain(text: str) -> list[str]:
    composed = unicodedata.normalize("NFC", text.lower())
    return re.sub(r"[^\w\s]|_", "", composed).split()


def _loops(words: list[str]) -> bool:
    """Whether a word or a phrase follows itself more often than anybody says it."""
    for size in range(1, min(_LONGEST_PHRASE, len(words) // 2) + 1):
        most = _MOST_WORDS_ALIKE if size == 1 else _MOST_PHRASES
        alike = 0
        for at in range(size, len(words)):
            alike = alike + 1 if words[at] == words[at - size] else 0
            # A phrase of like words is a matter for the single word's limit.
            if alike >= size * most and (size == 1 or len(set(words[at - size + 1 : at + 1])) > 1):
                return True
    return False


def _too_fast(words: list[str], seconds: float) -> str:
    letters = sum(map(len, words))
    if len(words) > _WORDS_ANYWAY + seconds * _WORDS_A_SECOND:
        return f"{len(words)} words in {seconds:.2f} s of speech"
    if letters > _LETTERS_ANYWAY + seconds * _LETTERS_A_SECOND:
        return f"{letters} letters in {seconds:.2f} s of speech"
    return ""
