"""Visual diagnosis: skin, eye, tissue, blood and ECG pictures, measured on their pixels and judged by sourced rules."""
