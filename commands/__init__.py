"""What may be asked, and the pure decision: request structs, the catalogue, and `decide`.

Pure, like `events`: the decider hands in the state and the time, and gets events back.
"""
