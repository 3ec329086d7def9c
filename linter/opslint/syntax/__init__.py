"""Bytes → Document, one module per language; every parser import is lazy."""
