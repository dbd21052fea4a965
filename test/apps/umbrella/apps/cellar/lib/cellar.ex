defmodule Cellar do
  def wine, do: Application.fetch_env!(:cellar, :wine)
end
