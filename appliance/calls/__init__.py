"""The vocabulary of telephony and its rules. No input, no output, no clock."""
