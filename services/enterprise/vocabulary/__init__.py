"""The words of the register: facts and recognitions, and which department states which."""
