"""What is unwise in a policy that can be loaded: rules over what it says, and what its files silence of them.

`table` lists the rules, `checks` asks them; what depends on the machine is asked in plan.
"""
