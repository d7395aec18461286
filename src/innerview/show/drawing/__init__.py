"""What sheets are drawn with: colours, pictures side by side, words, paper."""
