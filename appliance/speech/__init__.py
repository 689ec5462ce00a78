"""Hearing and speaking: turn taking, speech to text, text to speech."""
