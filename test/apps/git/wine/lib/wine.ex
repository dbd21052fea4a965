defmodule Wine do
  # In the compiled module: another grape is another wine only where this is compiled again.
  @grape Grapes.name()
  def name, do: @grape
end
