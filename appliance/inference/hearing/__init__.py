"""Around recognition: what is no speech, and how sure of each word the model was."""
