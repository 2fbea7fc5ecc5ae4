"""How tracehound itself is: what runs, what waits to be read, what is kept, and whether anything is judged yet."""
