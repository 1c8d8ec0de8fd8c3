"""This machine: its hardware, files, network switches and the folder the user works in."""
