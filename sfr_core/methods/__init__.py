"""The loops of the unlearning methods, one file each; what is known of a method without running it: catalog/."""
