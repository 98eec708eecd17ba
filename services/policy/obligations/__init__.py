"""What an award obliges its applicant to: dated, proved, accepted or failed; nothing by silence."""
