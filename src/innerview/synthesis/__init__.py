"""What image would answer a question best: pictures made by climbing a network's gradient."""
