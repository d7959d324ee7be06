"""The record of a search for the file: what was asked, when, and what there was; signed, kept by whoever asked."""
