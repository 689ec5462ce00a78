"""The starter voice: a Piper voice trained from nothing on what flite's voice "slt" would say.

flite predicts the parameters of speech for a text (`clustergen`, `acoustics`), Piper's espeak-ng
its phonemes (`phonemes`); both are brought together (`alignment`), a network learns to go from
phonemes to parameters (`network`), and a vocoder without anything learned makes them into sound
(`vocoder`), all in one ONNX graph as Piper loads it (`exporting`). No adversary, no recording of a
person.
"""
