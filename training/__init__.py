"""How the decoders of the starter translation models were made; see README.md. Needs torch, which polygist does not."""
