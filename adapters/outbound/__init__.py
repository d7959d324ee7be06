"""One module per format that vacancy reports are written in (`adapters/base.py`)."""
