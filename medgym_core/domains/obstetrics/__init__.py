"""Obstetrics and gynaecology: antenatal care, labor, birth and the weeks after, early pregnancy and gynaecology."""
